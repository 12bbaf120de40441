"""Statistics of experiments. Pure functions of numbers."""

from core.stats.intervals import wilson

__all__ = ["wilson"]
