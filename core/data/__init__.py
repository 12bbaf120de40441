"""Images: data sets (datasets.py), a person's own picture (images.py), the thesis' background noise (noise.py)."""
