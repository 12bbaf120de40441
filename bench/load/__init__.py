"""Load: many visitors of one locked server, who look, move sliders and upload, and whose every
answer is checked: `python -m bench load`.
"""

from bench.load.run import Asked, load

__all__ = ["Asked", "load"]
