"""Single units: what excites them, how interpretable that is, and how much they matter."""
