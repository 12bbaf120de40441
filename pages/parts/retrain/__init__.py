"""The sections of Retrain."""
