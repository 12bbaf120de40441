"""Training: the loop (loop.py) and what happens between its runs (schedules.py)."""
