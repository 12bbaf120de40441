"""What the answers of a study say: sentences, shares with intervals, rules, published counts."""

from __future__ import annotations

import streamlit as st
from pandas import DataFrame

from core.base.numbers import counted, percent, score
from core.figures.plots import people as plots
from core.study import wording
from core.study.analysis import Analysis, TaskResult, analyse, effect
from core.study.folder import Study
from core.study.prediction import predict_answers
from core.study.published import REANALYSIS, SOURCE, published_frame
from core.study.spec import KINDS, Rules
from core.study.summary import measure_rows, share_rows
from pages.parts.common import charts, present, reports
from pages.parts.common.background import Work
from pages.parts.common.markdown import plain
from pages.parts.common.waiting import follow, wait
from pages.parts.study import report, studies


def section(study: Study) -> None:
    """Draws the section."""
    rows = study.answers.frame()
    analysis = _analysed(study, rows)
    if analysis is None:
        return
    if not analysis.n:
        st.info("Nobody has answered yet. **Run** starts the server.", icon=":material/info:")
        _published()
        return
    said = wording.headline(analysis, plain)
    st.header(said, anchor=False)
    for task in analysis.tasks:
        _task(study, task, said)
    if present.on():
        return
    reports.button(report.maker(study, analysis), study.name)
    _rules(study, rows)
    _scores(study, rows)
    _published()


def _analysed(study: Study, rows: DataFrame) -> Analysis | None:
    """Returns the whole analysis; None if it was stopped."""
    work = Work(
        place="study result",
        key=("study result", study.name),
        stamp=f"{len(rows)} {rows['answered'].max() if len(rows) else 0} {rows['excluded'].notna().sum()}",
        what="Computing intervals",
        run=lambda task: analyse(rows),
    )
    found: Analysis | None = wait(work, st.container()).answer
    return found


def shares(analysis: Analysis, name: str) -> None:
    """Draws the shares of all tasks of an analysis."""
    for task in analysis.tasks:
        _shares(task, f"{name}-{task.kind}")


def _shares(task: TaskResult, name: str) -> None:
    alt = f"{KINDS[task.kind]} Shares with 95 % intervals, {counted(task.n, 'answer')}"
    charts.chart(plots.shares(share_rows(task), right=task.naming is not None), name, alt)


def _task(study: Study, task: TaskResult, said: str) -> None:
    """Draws a task. said: what the heading says already."""
    st.subheader(KINDS[task.kind], anchor=False)
    _shares(task, f"shares-{task.kind}")
    st.markdown("\n".join(f"- {sentence}" for sentence in wording.task_sentences(task, plain) if sentence != said))
    if not present.on():
        with st.expander("By class"):
            st.dataframe(_by_class(study, task), hide_index=True, width="stretch")


def _by_class(study: Study, task: TaskResult) -> DataFrame:
    rows = []
    for pair in task.pairs:
        for label, votes in pair.by_class:
            rows.append(
                {
                    "class": study.classes[label],
                    "pair": f"{pair.less} / {pair.more}",
                    "less pruned": votes.less,
                    "more pruned": votes.more,
                    "both equally": votes.equal,
                    "share for the more pruned": score(votes.share),
                    "95 % interval": f"{score(votes.low)} to {score(votes.high)}",
                }
            )
    for variant in task.naming.variants if task.naming else ():
        for label, right, n in variant.by_class:
            share = score(right / n if n else None)
            rows.append(
                {"class": study.classes[label], "variant": variant.variant, "right": right, "n": n, "share": share}
            )
    return DataFrame(rows)


def _rules(study: Study, rows: DataFrame) -> None:
    """Draws the rules of exclusion; their thresholds can be moved, with the effect."""
    declared = study.spec.rules
    with st.expander("Who is left out, and what that changes", icon=":material/rule:"):
        st.markdown(
            f"Declared before the first answer: at least {percent(declared.catch_share)} of the catch trials correct, "
            f"a median time of at least {declared.fastest_ms:,} ms. Move the thresholds to see whether the result "
            "depends on them; the declared ones stay the result."
        )
        left, right = st.columns(2)
        catch = left.slider(
            "Catch trials correct, at least (%)", 0, 100, round(100 * declared.catch_share), key="_catch"
        )
        fastest = right.slider("Median time, at least (ms)", 0, 5000, declared.fastest_ms, 100, key="_fastest")
        found = effect(rows, Rules(catch_share=catch / 100, fastest_ms=fastest))
        st.markdown(wording.effect_sentence(found))


def _scores(study: Study, rows: DataFrame) -> None:
    """Draws which automatic score predicts the answers."""
    with st.expander("Which automatic score predicts what people prefer?", icon=":material/insights:"):
        measured = studies.measures(study)
        if measured is None:
            st.caption("The table of measures is missing. `python -m core study restore` draws it again from a backup.")
            return
        work = Work(
            place="study scores",
            key=("study scores", study.name),
            stamp=f"{len(rows)} {rows['excluded'].notna().sum()}",
            what="Comparing measures with answers",
            run=lambda task: predict_answers(rows, measured),
        )
        follow(work, "Compare", lambda results: _show_scores(results[-1]))


def _show_scores(found: tuple) -> None:
    if not found:
        st.caption("There are too few answers.")
        return
    rows = measure_rows(found)
    for kind, part in rows.groupby("task", sort=False):
        alt = f"{KINDS[str(kind)]} Rank correlation of each measure with the answers, 95 % intervals"
        charts.chart(plots.predictors(part), f"predictors-{kind}", alt)
    st.markdown("\n".join(f"- {wording.measure_sentence(each)}" for each in found if each.rank.value is not None))


def _published() -> None:
    with st.expander("The published study", icon=":material/menu_book:"):
        st.markdown(f"{plain(SOURCE, 400)} {REANALYSIS}")
        published = analyse(published_frame(), thorough=False)
        for task in published.tasks:
            st.markdown(f"**{KINDS[task.kind]}**")
            _shares(task, f"published-{task.kind}")
