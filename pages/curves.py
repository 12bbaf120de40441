"""Curves: what happens over a whole data set when weights are removed."""

from pages.parts.common import frame
from pages.parts.curves.page import main

with frame.page("Curves"):
    main()
