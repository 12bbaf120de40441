"""The campaign of threads: answers are the same, and one that is not is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.faults import answers
from core.engine.engine import Engine
from core.results import frozen_array
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec

pytestmark = pytest.mark.long
ASKED = VariantSpec(pruning=PruningSpec.one_shot(0.5)), ImageRef(name="7"), CamSpec()


def test_any_bit_that_differs_is_seen(engine: Engine, tmp_path: Path) -> None:
    one, other = engine.compare(*ASKED), Engine("cpu", tmp_path).compare(*ASKED)
    assert list(answers.differing(one, other)) == []
    values = one.pruned.map.copy()
    values[3, 3] += 1e-7
    changed = replace(one, pruned=replace(one.pruned, map=frozen_array(values)))
    assert list(answers.differing(one, changed)) == [".pruned.map"]
    agreement = replace(one.agreement, value=(one.agreement.value or 0.0) + 1e-16)
    assert list(answers.differing(one, replace(one, agreement=agreement))) == [".agreement.value"]


def test_answers_about_an_own_network_are_the_same_in_another_folder(tmp_path: Path) -> None:
    one, other = (Engine("cpu", tmp_path / name) for name in ("one", "other"))
    own, _ = (answers._own(each) for each in (one, other))
    asked = VariantSpec(model=own, pruning=PruningSpec.one_shot(0.5)), ImageRef(source="gallery", name="cat"), CamSpec()
    found = [each.compare(*asked) for each in (one, other)]
    assert found[0].stamp != found[1].stamp
    assert list(answers.differing(*found)) == []


@pytest.mark.parametrize("number", range(len(answers.CASES)))
def test_answers_of_threads_are_those_in_turn(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWERS", 10)
    found = answers.trial(number, tmp_path)
    assert found.faults == ()
    assert found.facts["answers"] == 10


def test_another_answer_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Engine.compare

    def wrong(self: Engine, *asked: Any) -> Any:
        answer = real(self, *asked)
        return answer if self.folder.name == "in-turn" else replace(answer, thresholds=answer.thresholds[:-1])

    monkeypatch.setattr(answers, "ANSWERS", 5)
    monkeypatch.setattr(Engine, "compare", wrong)
    found = answers.trial(0, tmp_path)
    assert found.facts["differing"] == 5
    assert ".thresholds" in found.faults[0]
