"""A network over a data set: right answers, and heatmaps scored image by image."""
