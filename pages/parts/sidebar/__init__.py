"""Widgets to specs: network, pruning, amount, image, heatmap."""
