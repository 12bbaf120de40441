"""What every page shares. The operator's plugins are loaded first: pages read the registries when
they are imported.
"""

from pages.parts.common.plugins import load_all

load_all()
