"""Sweeps: many variants over a data set."""
