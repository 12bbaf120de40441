"""Which weights go. scores.py says how important each is, index.py and select.py which are removed,
mask.py counts and applies.
"""

from core.pruning.scores import CRITERIA

__all__ = ["CRITERIA"]
