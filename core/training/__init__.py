"""Training: one loop (loop.py) over what is trained (stacked.py, single.py); finetune.py trains one
network until it is good, series.py a series of them level by level, with masks (masks.py) that may
tighten meanwhile (gradual.py)."""
