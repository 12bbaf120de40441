"""Training: one loop (loop.py) over tasks (stacked.py, single.py). finetune.py trains one network
with early stopping, series.py a series of networks level by level, with masks (masks.py) that may
tighten during training (gradual.py)."""
