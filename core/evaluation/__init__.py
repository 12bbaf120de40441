"""Evaluate a network over a data set: accuracy, and heatmaps scored image by image."""
