"""Experiments with people: which heatmap is more reasonable, what is in this picture."""
