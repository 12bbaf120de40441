"""What must not change while files move: twenty answers, and what the protocols show.

`python -m tests.test_pins` records the answers anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.cli.main import main
from core.models.zoo import default_model

PINS = Path(__file__).with_name("pins.json")
THESIS, LITE = default_model("thesis-cnn"), default_model("efficientnet-lite0")
RETRAINED = ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-layer", seed=0)
DIGIT, COFFEE = ImageRef(name="7"), ImageRef(source="gallery", name="coffee")
PRUNINGS = (
    PruningSpec.one_shot(0.5),
    PruningSpec.one_shot(0.9, scope="layer"),
    PruningSpec.one_shot(0.7, criterion="random", seed=3),
    PruningSpec.one_shot(0.5, granularity="filter"),
    PruningSpec.at_level(12),
)
QUESTIONS = (
    *((VariantSpec(model=THESIS, pruning=pruning), DIGIT, CamSpec()) for pruning in PRUNINGS),
    *(
        (VariantSpec(model=THESIS, pruning=PRUNINGS[0]), DIGIT, CamSpec(method=method))
        for method in ("grad-cam++", "layer-cam", "hires-cam")
    ),
    (VariantSpec(model=THESIS, pruning=PRUNINGS[0]), DIGIT, CamSpec(method="grad-cam++", layer="conv2", target="own")),
    (VariantSpec(model=THESIS, pruning=PRUNINGS[0]), ImageRef(name="2500"), CamSpec(target=3)),
    (VariantSpec(model=THESIS, pruning=PRUNINGS[0]), ImageRef(name="4999"), CamSpec(target="label")),
    *((VariantSpec(model=LITE, pruning=pruning), COFFEE, CamSpec()) for pruning in PRUNINGS[:4]),
    (
        VariantSpec(model=LITE, pruning=PruningSpec.one_shot(0.3)),
        ImageRef(source="gallery", name="astronaut"),
        CamSpec(),
    ),
    (
        VariantSpec(model=LITE, pruning=PruningSpec.one_shot(0.3, criterion="taylor")),
        COFFEE,
        CamSpec(method="layer-cam"),
    ),
    *(
        (VariantSpec(model=RETRAINED, pruning=PruningSpec.at_level(level, "retrained")), COFFEE, CamSpec())
        for level in (1, 4)
    ),
    (VariantSpec(model=RETRAINED, pruning=PruningSpec.one_shot(0.6)), COFFEE, CamSpec()),
)
SHOWN = ("lukkien --train-on 60000", "lukkien --train-on 55000", "merkle", "vonrad")


def answer(engine: Engine, question: tuple[VariantSpec, ImageRef, CamSpec]) -> dict[str, Any]:
    found = engine.compare(*question)
    scores = {**found.similarity.values, **found.overlap_pruned.values, **found.statistics_pruned.values}
    return {
        "question": " | ".join(spec.key for spec in question),
        "kept": found.mask.kept,
        "layers": [layer.kept for layer in found.mask.layers],
        "says": [found.dense.prediction.top, found.pruned.prediction.top],
        "scores": {name: None if value is None else round(value, 6) for name, value in scores.items()},
        "map": [round(float(value), 4) for value in found.pruned.map[::9, ::9].ravel()[:200]],
    }


def shown(words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), tempfile.TemporaryDirectory() as folder:
        assert main(["protocol", "show", *words.split(), "--json", "--folder", folder]) == 0
    return hashlib.sha256(out.getvalue().encode()).hexdigest()


@pytest.fixture(scope="module")
def pins() -> dict[str, Any]:
    return json.loads(PINS.read_text())


@pytest.mark.parametrize("place", range(len(QUESTIONS)))
def test_an_answer_stays(place: int, engine: Engine, pins: dict[str, Any]) -> None:
    now, before = answer(engine, QUESTIONS[place]), pins["answers"][place]
    assert now.pop("map") == pytest.approx(before.pop("map"), abs=2e-4)
    assert now.pop("scores") == pytest.approx(before.pop("scores"), abs=1e-4)
    assert now == before


@pytest.mark.parametrize("words", SHOWN)
def test_what_a_protocol_shows_stays(words: str, pins: dict[str, Any]) -> None:
    assert shown(words) == pins["shown"][words]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = [answer(Engine("cpu", Path(folder)), question) for question in QUESTIONS]
    PINS.write_text(json.dumps({"answers": made, "shown": {words: shown(words) for words in SHOWN}}))
