"""Any sweep in Curves."""
