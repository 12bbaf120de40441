"""The engine answers every interactive question: spec in, result out."""
