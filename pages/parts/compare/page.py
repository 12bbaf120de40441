"""Compare: one or more images over a list of sparsities, heatmap methods or pruning methods, side
by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from core import PruningSpec
from core.base.numbers import percent
from core.engine import reference
from core.figures import sheets, strips
from core.figures.strips import SHOWS, Look, Strip
from core.results import Comparison, Verdict
from core.saliency import CAMS
from pages.parts.common import address, copy_link, engine, frame, link, present, reports, story, titles
from pages.parts.common.background import Work
from pages.parts.common.markdown import plain
from pages.parts.common.waiting import wait
from pages.parts.compare import matrix, view
from pages.parts.compare.view import Question, RowAsked
from pages.parts.sidebar import downloads, model, photo_sets, sidebar

if TYPE_CHECKING:
    from core.report import Report

LONGEST = 1000  # characters of what the pictures show
SCALE = {
    "difference": "Purple: more in the pruned map, orange: more in the dense map; both from 0 to 1.",
    "visible": "Only the top 10 % of the heatmap's pixels is visible.",
}
# A matrix is wide: the page's margins are narrower than elsewhere.
STYLE = """<style>
@media (min-width: 800px) { [data-testid="stMainBlockContainer"] { padding-left: 2rem; padding-right: 2rem; } }
</style>"""
SEQUENTIAL = "All maps range from 0 (black) to 1 (pale yellow), each scaled by its own maximum."


def main() -> None:
    model.look_again()
    link.open_page(view.parameters, address.start)
    st.title("Compare")
    st.html(STYLE)
    asked = sidebar.parts(view.varied())
    link.write()
    link.remember(view.parameters())
    for needed in (asked.dense.model, *([asked.reference.model] if asked.reference else [])):
        if not downloads.is_there(needed):
            downloads.offer(needed)
            return
    if asked.image is None:
        if asked.trouble:
            frame.show(asked.trouble)
        said = "Upload or paste an image in the sidebar, or choose another source there."
        st.info(said, icon=":material/upload:")
        return
    with st.container(border=not present.on()):
        kind = view.kind_of_rows()
        left, right = st.columns(2, gap="medium")
        with right:
            look = view.look(asked.opacity)
        with left:
            rows = view.rows_of(kind, (asked.dense, asked.image, asked.cam, asked.reference), asked.family)
    if answers := _answered(rows):
        _show(rows, answers, look)


def _answered(rows: list[RowAsked]) -> dict[Question, Comparison]:
    """Returns the answers to the rows' questions; incomplete if stopped."""
    questions = tuple(dict.fromkeys(question for row in rows for question in row.questions))

    def steps(done: int) -> Iterator[Comparison]:
        return (engine.comparison(*question) for question in questions[done:])

    work = Work(
        place="compare",
        key=("compare", questions),
        stamp=" ".join(engine.stamp(one, image, *reference.against(one, other)) for one, image, _, other in questions),
        what="Maps",
        run=lambda task: task.collect(steps, len(questions)),
        large=True,
        slow=not all(engine.is_quick(cam) for _, _, cam, _ in questions),
    )
    return dict(zip(questions, wait(work, st.container()).results, strict=False))


def _show(rows: list[RowAsked], answers: dict[Question, Comparison], look: Look) -> None:
    rows = [row for row in rows if any(question in answers for question in row.questions)]
    done = [Strip(title=row.title, answers=tuple(answers[q] for q in row.questions if q in answers)) for row in rows]
    st.header(_headline(done), anchor=False)
    drawn = [sheets.Row(title=strip.title, tiles=strips.tiles(strip, look)) for strip in done]
    _draw(rows, answers, drawn, signed=look.show == "difference")
    like, map_of = ("like dense", "the dense map") if _usual(done) else ("like reference", "the reference's map")
    st.caption(
        f"{_scale(done, look)} Point at a map, or focus a row and use the arrow keys, to mark the same place in every"
        f" map of the same image and read its value. **{like}** and the bar above it show the Pearson correlation with"
        f" {map_of} at the target layer's cells; the bar is empty at 0 and below."
    )
    _take_along(done, drawn, look)


def _usual(done: list[Strip]) -> bool:
    """Whether every network is compared with its own dense one."""
    return all(answer.with_dense for strip in done for answer in strip.answers)


def _scale(done: list[Strip], look: Look) -> str:
    """Explains the colours."""
    text = SCALE.get(look.show, SEQUENTIAL)
    return text if _usual(done) else text.replace("the dense map", "the reference's map")


def _draw(rows: list[RowAsked], answers: dict[Question, Comparison], drawn: list[sheets.Row], signed: bool) -> None:
    """Draws the matrix with one column per amount, in the requested order."""
    lines = []
    for row, sheet in zip(rows, drawn, strict=True):
        there = [amount for amount, question in row.columns.items() if question in answers]
        lines.append((sheet, dict(zip(there, sheet.tiles[2:], strict=True))))
    columns: dict[float, str] = {}  # an N:M pattern has only one amount: the fullest row sets the order
    for row, (_, tiles) in sorted(zip(rows, lines, strict=True), key=lambda pair: -len(pair[0].columns)):
        for amount, tile in tiles.items():
            asked = row.columns[amount][0].pruning
            columns.setdefault(amount, tile.title if asked.is_trained else percent(asked.sparsity or 0))
    dense = [next(answers[question].reference for question in row.questions if question in answers) for row in rows]
    one_image = len({side.image for side in dense}) == 1
    one_dense = len({(side.variant, side.image, side.cam) for side in dense}) == 1
    matrix.draw(
        list(columns.values()),
        [
            matrix.Row(
                sheet.title,
                None if one_image and number else sheet.tiles[0],
                None if one_dense and number else sheet.tiles[1],
                [tiles.get(amount) for amount in columns],
            )
            for number, (sheet, tiles) in enumerate(lines)
        ],
        linked=one_image,
        signed=signed,
        large=present.on(),
    )


def _headline(done: list[Strip]) -> str:
    """Describes the main finding: where the answers change."""
    answers = [answer for strip in done for answer in strip.answers]
    pruned = [answer for answer in answers if answer.mask.removed_anything or not answer.with_dense]
    if not pruned and any(answer.mask.was_sparse for answer in answers):
        already = story.percent(answers[0].mask.sparsity_before)
        return f"Nothing is pruned here: the network is **already {already} sparse**. Choose higher amounts."
    if not pruned:
        return "Nothing is pruned here: choose higher amounts."
    # Methods do not change answers.
    flips = {(answer.pruned.variant, answer.pruned.image, answer.against): answer.flipped for answer in pruned}
    changed, blank = sum(flips.values()), sum(answer.pruned.state in ("empty", "constant") for answer in pruned)
    silent = len(
        {(answer.pruned.variant, answer.pruned.image) for answer in pruned if not answer.pruned.prediction.answered}
    )
    kept = f"All {len(flips)}" if not changed else f"{len(flips) - changed} of {len(flips)}"
    usual = all(answer.with_dense for answer in answers)
    text = f"**{kept}** pruned networks give the dense network's answer"
    if not usual:
        text = f"**{kept}** comparisons have the same answer on both sides"
    if blank:
        text += f"; **{blank} of {len(pruned)}** of their maps show{'s' if blank == 1 else ''} no evidence"
    if silent:
        text += f"; **{silent} of {len(flips)}** give no answer because their outputs overflow"
    return f"{text}. {_first_change(done[0])}{_agreement(pruned)}"


PLACES = {
    Verdict.SAME: "at the same places",
    Verdict.PARTLY: "moved in part",
    Verdict.ELSEWHERE: "at other places",
    Verdict.DISPUTED: "moved by one method only",
    Verdict.UNKNOWN: "not comparable",
}


def _agreement(pruned: list[Comparison]) -> str:
    """Describes where networks that keep their answer look, judged by two methods."""
    verdicts = [answer.agreement.verdict for answer in pruned if not answer.flipped]
    counts = [f"{verdicts.count(verdict)} {words}" for verdict, words in PLACES.items() if verdict in verdicts]
    if not counts:
        return ""
    return f" Heatmaps with an unchanged answer (n = {len(verdicts)}): {', '.join(counts)}; each judged by two methods."


def _first_change(strip: Strip) -> str:
    at = next((answer for answer in strip.answers if answer.flipped), None)
    if at is None:
        return ""
    before, after = (story.class_name(side, side.prediction.top) for side in (at.reference, at.pruned))
    return f"In the first row the answer changes from {before} to {after} at {strips.amount_text(at)}."


def _take_along(done: list[Strip], drawn: list[sheets.Row], look: Look) -> None:
    if present.on():
        return
    if not photo_sets.offers_export(done[0].answers[0].pruned.image.source):
        return
    caption = f"{_made_with(done)}. Shown: {SHOWS[look.show]}. {_scale(done, look)}"
    makers = (
        ("PNG", lambda: sheets.png(drawn, caption), "sparsight-compare.png", "image/png"),
        ("SVG", lambda: sheets.svg(drawn, caption), "sparsight-compare.svg", "image/svg+xml"),
        ("CSV", lambda: strips.table(done), "sparsight-compare.csv", "text/csv"),
    )
    with st.container(horizontal=True, gap="small"):
        for label, content, name, kind in makers:
            st.download_button(
                label, content, name, kind, icon=":material/download:", on_click="ignore", type="tertiary"
            )
        words = _headline(done), plain(f"{_made_with(done)}. Shown: {SHOWS[look.show]}. {_scale(done, look)}", LONGEST)
        reports.button(lambda: _report(done, drawn, words), "compare")
        copy_link.draw("Link copied")
        with st.popover("Exercise", icon=":material/school:", type="tertiary"):
            present.exercise(tuple(view.parameters()))
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.code(_code([answer for strip in done for answer in strip.answers]), language="python", wrap_lines=True)


def _report(done: list[Strip], drawn: list[sheets.Row], words: tuple[str, str]) -> Report:
    from core.report.strips import of_strips

    code = _code([answer for strip in done for answer in strip.answers])
    return of_strips(engine.engine(), done, drawn, (_title(done), *words), code)


def _title(done: list[Strip]) -> str:
    """Names the report."""
    variant = done[0].answers[0].pruned.variant
    return f"Compare: {engine.catalogue().title(variant.model)}"


def _made_with(done: list[Strip]) -> str:
    """Names what all rows have in common: the network, and unless the rows vary them, the pruning
    and the heatmap.
    """
    answers = [answer for strip in done for answer in strip.answers]
    pruned = answers[0].pruned
    model, seeds = pruned.variant.model, engine.card(pruned.variant.model).seeds
    names = [engine.catalogue()[model.name].title + (f", seed {model.seed}" if len(seeds) > 1 else "")]
    prunings = {answer.mask.variant.pruning.family: answer.mask.variant.pruning for answer in answers}
    if len(prunings) == 1:
        (pruning,) = prunings.values()
        way = f"{pruning.granularity}-{pruning.scope}-{pruning.criterion}"
        names.append(titles.SCHEDULES[pruning.schedule] if pruning.is_trained else titles.way(way))
    if len({(answer.pruned.cam.method, answer.pruned.cam.layer) for answer in answers}) == 1:
        names.append(f"{CAMS[pruned.cam.method].title} at layer {pruned.cam.layer}")
    references = {answer.reference_name: answer.with_dense for answer in answers}
    if len(references) == 1 and not answers[0].with_dense:
        names.append(f"beside {answers[0].reference_name}")
    return "; ".join(names)


def _code(answers: list[Comparison]) -> str:
    """Returns a notebook cell that asks the first row's questions."""
    first = answers[0].pruned
    prunings = list(dict.fromkeys(answer.mask.variant.pruning for answer in answers))
    against = "" if answers[0].with_dense else ", reference"
    return "\n".join(
        [
            "from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec, sheets, strips",
            "",
            "engine = Engine()",
            f"model, image = {first.variant.model!r}, {first.image!r}",
            f"cam = {first.cam!r}",
            f"prunings = [{', '.join(_short(pruning) for pruning in prunings)}]",
            *([] if answers[0].with_dense else [f"reference = {answers[0].reference.variant!r}"]),
            (
                f"answers = tuple(engine.compare(VariantSpec(model=model, pruning=pruning), image, cam{against}) for"
                " pruning in prunings)"
            ),
            'strip = strips.Strip(title="Compare", answers=answers)',
            "row = sheets.Row(title=strip.title, tiles=strips.tiles(strip, strips.Look()))",
            'open("compare.svg", "w").write(sheets.svg([row]))',
        ]
    )


def _short(pruning: PruningSpec) -> str:
    given = {name: value for name, value in vars(pruning).items() if value != getattr(PruningSpec(), name)}
    return f"PruningSpec({', '.join(f'{name}={value!r}' for name, value in given.items())})"
