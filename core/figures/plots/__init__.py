"""Figures in plotly, the same for pages, notebooks and downloads."""
