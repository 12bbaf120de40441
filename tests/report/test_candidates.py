"""The report of a decision says what the page says, with names as they are."""

from __future__ import annotations

from dataclasses import replace

from core.figures.candidates import decision_frame, decision_sentences
from core.figures.wording import plain
from core.report import of_decision, to_html
from core.sweeps.decision import Limits, decide
from tests.report.reading import read
from tests.sweeps.made_candidates import made


def test_it_holds_the_sentences_and_the_table() -> None:
    measured = made(1000, [(50, range(5), 0.9), (10, range(200), 0.1)])
    found = decide(measured, Limits(), "size")
    page = read(to_html(of_decision(measured, Limits(), "size")))
    for sentence in decision_sentences(measured, found):
        assert " ".join(plain(sentence).split()) in page.words
    (table,) = page.tables
    assert len(table) == 1 + len(decision_frame(measured, found))


def test_a_hostile_name_is_only_a_name() -> None:
    measured = made(100, [(50, range(5), 0.9)])
    name = "<script>alert(1)</script> **[x](https://example.org)**"
    hostile = replace(measured, candidates=(replace(measured.candidates[0], name=name),))
    page = read(to_html(of_decision(hostile, Limits(), "size")))
    assert name in page.words
    assert page.wrong == []
    assert not [load for load in page.loads if "example.org" in load]
