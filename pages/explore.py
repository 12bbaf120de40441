"""Explore: where does the network look, dense and pruned? One image, one slider."""

from pages.parts.common import frame
from pages.parts.explore.page import main

with frame.page("Explore"):
    main()
