"""Decide: which of several networks to ship, on these images."""
