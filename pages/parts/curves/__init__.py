"""The sections of Curves."""
