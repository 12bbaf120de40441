"""Widgets that return specs: network, pruning, amount, image, heatmap."""
