"""Figures of Curves with what saves them, the strip of one digit, and what can be taken along."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

import plotly.graph_objects as go
import streamlit as st

from core import ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.stamps import Stamp
from core.figures import maps
from core.figures.plots import lukkien as plots_study
from core.protocols.lukkien.protocol import CAM
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import engine, present, story
from pages.parts.common.widgets import segments, whole
from pages.parts.curves.study_view import CARD, PARAMETERS, View

# Of saved pictures: they cannot take the page's own font along, and other letters are of other
# widths, so they are laid out again in one that every machine has.
FONT = "Arial, Helvetica, sans-serif"
# Plotly draws in the browser, so its picture is made there too: these buttons press the figure's
# own camera after telling it format and font.
SAVE = st.components.v2.component(
    "save_figure",
    html="""<span>Save as</span><button value="svg">SVG</button><button value="png">PNG</button>""",
    css="""
    :host { display: block } div { display: contents }
    span, button { font: 0.875rem var(--st-font); color: var(--st-text-color); white-space: nowrap }
    span { opacity: 0.7 }
    button { background: none; border: 0; border-radius: 0.5rem; padding: 0.35rem 0.5rem; cursor: pointer }
    button:hover { color: var(--st-primary-color) }
    button:focus-visible { outline: 2px solid var(--st-primary-color) }
    """,
    js="""
    export default function ({ parentElement, data }) {
      for (const button of parentElement.querySelectorAll("button")) {
        button.setAttribute("aria-label", `Save ${data.name} as ${button.value.toUpperCase()}`);
        button.onclick = () => {
          const plot = document.querySelector(`.st-key-figure-${data.name} .js-plotly-plot`);
          if (!plot) return;
          const options = plot._context.toImageButtonOptions, usual = options.format, layout = plot.layout;
          options.format = button.value;
          const saved = (font) => ({ ...font, family: data.font });
          plot.layout = { ...layout, font: saved(layout.font) };
          for (const part of ["title", "legend"]) {
            plot.layout[part] = { ...layout[part], font: saved(layout[part]?.font) };
          }
          plot.querySelector(".modebar-btn").click();
          options.format = usual;
          plot.layout = layout;
        };
      }
    }
    """,
)


def chart(figure: go.Figure, name: str, alt: str) -> None:
    """A figure, and what saves it: SVG and PNG as they are on the screen, HTML to move about in
    without the internet.

    Args:
        name: of the files, one word. alt: what it shows, for those who cannot see it.
    """
    options = {"format": "png", "scale": 2, "filename": f"sparsight-{name}"}
    with st.container(key=f"figure-{name}", gap=None):
        st.plotly_chart(
            present.figure(go.Figure(figure)),
            width="stretch",
            alt=alt,
            config={"displaylogo": False, "toImageButtonOptions": options, "modeBarButtons": [["toImage"]]},
        )
        if not present.on():
            _save(figure, name)


def _save(figure: go.Figure, name: str) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        SAVE(key=f"save-{name}", data={"name": name, "font": FONT}, width="content", height="content")
        st.download_button(
            "HTML",
            lambda: plots_study.offline_page(figure, f"sparsight-{name}"),
            f"sparsight-{name}.html",
            "text/html",
            key=f"html-{name}",
            type="tertiary",
            on_click="ignore",
            help="Interactive, in one file that needs no internet (5 MB).",
        )


def strip() -> None:
    """One digit's heatmap at every level of a network that comes along, each with a link that opens
    Explore there.
    """
    st.header("One digit over all levels", anchor=False)
    left, right, _ = st.columns([1, 1, 1], gap="medium")
    with left:
        row = whole("Embedded digit", "image", PARAMETERS, help="Row of the 5,000 embedded digits.")
    with right:
        seed = int(segments("Model seed", "seed", PARAMETERS))
    st.caption(
        "Networks that come along (trained on 55,000 images): the class that each predicts and the heatmap of it. Each"
        " link opens Explore at that level in a new tab."
    )
    grid = st.grid(9, min_column_width=90, gap="small")
    for level, url, says in level_pictures(row, seed):
        with grid.cell().container(gap="xsmall"):
            st.image(url, width="stretch", alt=f"Heatmap of digit {row} at level {level}; the network says {says}")
            st.markdown(f"[Level {level}](explore?{urlencode(explore_query(row, seed, level))}): **{says}**")


def explore_query(row: int, seed: int, level: int) -> dict[str, str]:
    """The address of the same heatmap in Explore.

    For an ordinary link, which opens a tab of its own. For a link within the tab (`st.page_link`)
    Streamlit removes the parameters to which widgets of this page are bound, the seed among them.
    """
    label = int(engine.engine().gallery().labels[row])
    place = engine.rows_of_class(label).index(row) + 1
    return {
        "model": ModelSpec().name,
        "schedule": "iterative-reset",
        "unit": "level",
        "level": str(level),
        "seed": str(seed),
        "source": "digits",
        "digit": str(label),
        "nth": str(place),
        "noise": "true",
        "cam": CAM.method,
        "layer": CAM.layer,
        "target": str(CAM.target),
    } | ({"present": "1"} if present.on() else {})


def level_pictures(row: int, seed: int) -> list[tuple[int, str, str]]:
    """(level, picture address, predicted class) of one digit at every level, target: each network's
    own class, as in the thesis.
    """
    levels = range((CARD.levels or 0) + 1)
    variants = tuple(VariantSpec(model=ModelSpec(seed=seed), pruning=PruningSpec.at_level(level)) for level in levels)
    return _level_pictures(row, seed, " ".join(map(engine.stamp, variants)), variants)


@st.cache_data(max_entries=200, show_spinner=False)
def _level_pictures(
    row: int, seed: int, stamp: Stamp, _variants: tuple[VariantSpec, ...]
) -> list[tuple[int, str, str]]:
    answers = engine.engine().follow(_variants, ImageRef(name=str(row)), CAM)
    return [
        (
            level,
            maps.data_url(maps.jpeg(maps.overlay(answer.pruned, answer.picture.clean, 0.65, 140))),
            story.class_name(answer.pruned, answer.pruned.prediction.top),
        )
        for level, answer in enumerate(answers)
    ]


def take_along(study: StudyTables, view: View) -> None:
    """The tables behind the figures, the code that draws the first one, and an exercise made of
    this view.
    """
    st.subheader("Take it along")
    with st.container(horizontal=True):
        for name in ("levels", "mean", "correlations", "correlations_usable", "paired"):
            table = getattr(study, name)
            st.download_button(
                f"{name}.csv",
                partial(table.to_csv, index=False),
                f"{name}.csv",
                "text/csv",
                type="tertiary",
                icon=":material/download:",
                on_click="ignore",
            )
    # in a popover, so that the browser fetches what colours code only when somebody looks
    with st.container(horizontal=True):
        with st.popover("Code", icon=":material/code:", type="tertiary"):
            st.markdown("A notebook cell that draws the first figure:")
            st.code(
                "from core import Engine, load_study, study_plots\n\n"
                f'study = load_study(Engine().roots, "{view.study[0]}", "{view.study[1]}")\n'
                f"study_plots.curves(study, {view.axis!r}, {view.controls!r}, published={view.published},"
                f" fitting={view.fitting!r})",
                language="python",
                wrap_lines=True,
            )
        with st.popover("Exercise", icon=":material/school:", type="tertiary"):
            present.exercise(tuple(PARAMETERS))
