"""Protocols of papers: training recipe, published numbers, tables, our readings. Each registers its
commands.
"""

from core.protocols.googlenet import command as googlenet
from core.protocols.lukkien import command as lukkien
from core.protocols.merkle import command as merkle

__all__ = ["googlenet", "lukkien", "merkle"]
