"""Settings: what Sparsight keeps in memory, and its limits."""

from pages.parts.common import frame
from pages.parts.settings.page import main

with frame.page("Settings"):
    main()
