"""Papers: each is specs, a run, and its published numbers."""
