"""Explore: where the dense and the pruned network look, for one image and one sparsity slider."""

from pages.parts.common import frame
from pages.parts.explore.page import main

with frame.page("Explore"):
    main()
