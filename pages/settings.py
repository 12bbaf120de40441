"""Settings: what Sparsight keeps in memory, and how much it may."""

from pages.parts.common import frame
from pages.parts.settings.page import main

with frame.page("Settings"):
    main()
