"""Pruning: scores.py computes the importance of weights, index.py and select.py choose which to
remove, mask.py counts them.
"""

from core.pruning.scores import CRITERIA

__all__ = ["CRITERIA"]
