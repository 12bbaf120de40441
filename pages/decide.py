"""Decide: which of several networks to ship, on these images."""

from pages.parts.common import frame
from pages.parts.decide.page import main

with frame.page("Decide"):
    main()
