"""Compare: one image or several, over a list of sparsities, methods or ways to prune."""

from pages.parts.common import frame
from pages.parts.compare.page import main

with frame.page("Compare"):
    main()
