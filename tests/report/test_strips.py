"""The report of rows of pictures has every picture and number of Compare."""

from __future__ import annotations

import pytest

from core.engine.engine import Engine
from core.figures import sheets, strips
from core.report import to_html
from core.report.render import MOST_BYTES
from core.report.strips import of_strips
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec
from tests.report.reading import check


@pytest.mark.parametrize("title", ["Rows", '<b>Rows</b> & "more" *here*'])
def test_every_picture_is_there(engine: Engine, title: str) -> None:
    variants = tuple(VariantSpec(pruning=PruningSpec.one_shot(share)) for share in (0.5, 0.9))
    strip = strips.Strip(title=title, answers=tuple(engine.follow(variants, ImageRef(name="3500"), CamSpec())))
    row = sheets.Row(title=strip.title, tiles=strips.tiles(strip, strips.Look()))
    made = of_strips(
        engine, [strip], [row], (title, "**All 2** networks agree.", "The heatmap over the image."), "x = 1"
    )
    page = check(to_html(made), MOST_BYTES)
    assert page.words.startswith(title)
    assert len(page.all("img")) == len(row.tiles)
    assert "All 2 networks agree." in page.words
    assert len(page.tables[0]) >= 3
    assert "plotly" not in to_html(made).lower()  # no figure, no script
