"""Show results in a notebook: as HTML without JavaScript, and live with a slider."""
