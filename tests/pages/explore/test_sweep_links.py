"""The command line reads a link as the page that gave it: same network, heatmap and data set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.base.errors import SparsightError
from core.engine.engine import Engine
from core.specs import DataSpec
from core.sweeps.address import read_address
from pages.parts.common import state
from tests.pages.conftest import OpenPage

BEGINNING = "http://127.0.0.1:8501/explore?"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "model=thesis-cnn&seed=334&cam=layer-cam&layer=relu2&target=own&criterion=random&scope=layer&noise=false",
        "model=thesis-cnn&schedule=iterative-reset&unit=level&level=7&target=class&class=4",
        "model=thesis-cnn&seed=335&ref=seed.334,level.3",
        "model=thesis-cnn&scope=layer&ref=sparsity.30",
        "model=thesis-cnn&granularity=2:4&scope=layer&excluded=first&excluded=fc",
        "model=thesis-cnn&byhand=conv1&byhand=fc&amount.conv1=20&excluded=fc",
        "model=efficientnet-lite0&cam=grad-cam&granularity=filter&repair=batch-norm&excluded=classifier",
        "model=squeezenet1_1@imagenette-128&weights=merkle-global&cam=grad-cam",
    ],
)
def test_a_link_is_read_as_the_page_reads_it(query: str, explore: OpenPage, engine: Engine) -> None:
    asked: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        asked.setdefault(name, []).append(value)
    app = explore(**asked or {"sparsity": "70"})
    shown = state.of(app.session_state).view.shown
    assert shown
    variant, image, cam, reference = shown
    found = read_address(f"{BEGINNING}{query}", engine.catalogue)
    assert found.variant.model == variant.model
    assert found.variant.pruning.family == variant.pruning.family
    assert found.cam == cam
    assert found.reference == reference
    assert found.data == (DataSpec(noise=image.noise) if image.source == "digits" else None)
    assert replace(found, images=None) == replace(read_address(f"{BEGINNING}{query}&sweep=all", engine.catalogue))


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:8501/curves?tab=maps",
        "nonsense",
        *(f"{BEGINNING}{query}" for query in ("model=vgg", "seed=1", "layer=conv9", "excluded=x", "criterion=l1")),
        *(
            f"{BEGINNING}{query}"
            for query in ("schedule=twice", "target=x", "sweep=many", "byhand=fc&amount.fc=x", "ref=seed.1")
        ),
    ],
)
def test_a_link_that_names_something_unknown_is_refused(link: str, engine: Engine) -> None:
    with pytest.raises(SparsightError) as refused:
        read_address(link, engine.catalogue)
    assert refused.value.wrong
