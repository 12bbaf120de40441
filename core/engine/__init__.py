"""Every interactive question: spec in, result out."""
