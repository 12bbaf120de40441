"""Explore, section by section."""
