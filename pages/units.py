"""Units: what excites single units, how interpretable that is, and what pruning leaves of it."""

from pages.parts.common import frame
from pages.parts.units.page import main

with frame.page("Units"):
    main()
