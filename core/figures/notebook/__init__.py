"""Results in a notebook: as HTML that needs no JavaScript, and live under a slider."""
