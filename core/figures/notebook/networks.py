"""Networks as a notebook shows them: what a card says of one, and what Sparsight cannot prune."""

from __future__ import annotations

import math

from core.base.text import Rows
from core.figures.notebook.view import View
from core.models.cards import Card


def card(found: Card) -> View:
    """Return the size of a network, its target layer, its notes and the weights that are never
    pruned, each with the reason.
    """
    height, width = found.input_px
    sentence = (
        f"**{found.parameters:,} parameters**, {len(found.classes):,} classes, input of {height} x {width} "
        f"pixels; heatmaps at layer {found.target_layer}."
    )
    rows = [("never pruned", "numbers", "why")]
    rows += [(name, f"{math.prod(found.shapes[name]):,}", why) for name, why in found.unprunable.items()]
    return View(headline=sentence, tables=(Rows(rows, (1,)),) if len(rows) > 1 else (), notes=found.notes)
