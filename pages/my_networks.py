"""My networks: bring a network of your own, alone or beside the one that it was made from."""

from pages.parts.common import frame
from pages.parts.networks.page import main

with frame.page("My networks"):
    main()
