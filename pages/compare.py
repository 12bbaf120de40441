"""Compare: one or more images over a list of sparsities, heatmap methods or pruning methods."""

from pages.parts.common import frame
from pages.parts.compare.page import main

with frame.page("Compare"):
    main()
