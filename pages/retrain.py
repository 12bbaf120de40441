"""Retrain: prune a network and train it again, level by level."""

from pages.parts.common import frame
from pages.parts.retrain.page import main

with frame.page("Retrain"):
    main()
