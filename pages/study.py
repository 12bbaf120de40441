"""Study: ask people which heatmap is more reasonable, and what is in a picture."""

from pages.parts.common import frame
from pages.parts.study.page import main

with frame.page("Study"):
    main()
