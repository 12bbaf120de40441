"""Retrain: what comes back after pruning?"""

from pages.parts.common import frame
from pages.parts.retrain.page import main

with frame.page("Retrain"):
    main()
