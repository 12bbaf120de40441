"""The sentences about sweet spots say what a gain costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.engine.engine import Engine
from core.figures.decisions import details
from core.sweeps.known import known_sweeps
from core.sweeps.spots import Limits, spots
from core.sweeps.sweep import Sweep


def test_a_clear_gain_where_accuracy_is_lost_says_so(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    (found,) = spots(Sweep(engine, known_sweeps(engine.roots)["less-is-more"].read()), Limits()).values()
    (gain,) = (gain for gain in found.gains if gain.is_clear)
    (check,) = (each for each in found.checks if (each.measure, each.sparsity) == ("right", gain.sparsity))
    assert check.found.value is not None
    (said,) = (line for line in details(found, Limits()) if line.startswith("Soft IoU is higher"))
    assert f"But there accuracy is lower by {abs(100 * check.found.value):.1f} points" in said
    harmless = replace(found, checks=tuple(each for each in found.checks if each.sparsity != gain.sparsity))
    assert not any("But there" in line for line in details(harmless, Limits()))
