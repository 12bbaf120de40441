"""Names from files are shown literally: no page reads a class, a folder, a file, a run or a job
title as Markdown or HTML.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from core import DataSpec, Engine, ModelSpec
from core.base.checks import checked
from core.jobs.jobs import Jobs
from core.protocols.series.images import Place, evaluate_series
from pages.parts.common.markdown import CODE, message, plain
from tests.pages.conftest import PATIENCE_S, open_page
from tests.protocols import small_series

MARKUP = re.compile(
    r"!\[b\]\(|(?<!\\)<img(?! class=.first-figure )|(?<!\\)<b>|\[l\]\(|:material_home:|:red\[|~~s~~|\$x\$|\n#"
    r" head|http://evil|www\.evil|a@evil|^1\.|^- one"
)
CLASSES = (
    "![b](beacon.png) <b>`code` :red[r] ~~s~~ &lt; " + "x" * 120,
    "<img src=beacon.png> [l](y) :material_home: $x$\n# head",
)
RUN, SHOWN = "run ![b](c.png) <b>", "shown ![b](d.png) <b>"
TITLE = "![b](http://evil/beacon.png) :material_home: `code` $x$"
# Fields that are shown or used as they are; Streamlit reads the others as Markdown.
LITERAL = {
    "options",
    "raw_value",
    "code_text",
    "alt",
    "url",
    "id",
    "default",
    "placeholder",
    "element_id",
    "html_content",
    "json",
}
TAGS = re.compile("<img|<b>`|<b>, seed")  # as plotly would read them


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with a trained series, its table and a failed job, and a folder of photographs: every
    name is markup.
    """
    folder = tmp_path_factory.mktemp("hostile")
    data = small_series.photographs(folder / "data", 3, classes=CLASSES)
    small_series.train(folder / "cache", data, RUN, (0.0, 0.5), classes=CLASSES)
    card = folder / "cache" / small_series.NAME / "card.json"
    about = json.loads(card.read_text())
    about["runs"][RUN]["summary"] = TITLE
    card.write_text(json.dumps(checked(about)))
    shown = small_series.photographs(folder / SHOWN, 2, ("",), CLASSES)
    for photograph in list(shown.rglob("0-*.png")):
        photograph.rename(photograph.with_name(f"![b]({photograph.stem}).png"))
    engine, model = Engine("cpu", folder / "cache"), ModelSpec(name=small_series.NAME, weights=RUN, seed=0)
    list(
        evaluate_series(
            Place(model=model, data_name=SHOWN), engine, engine.inputs(DataSpec(name=f"folder:{shown}"), model)
        )
    )
    job = Jobs(folder / "cache").folder / "retrain-1"
    job.mkdir(parents=True)
    (job / "job.json").write_text(json.dumps({"kind": "retrain", "title": TITLE, "arguments": {}, "begun": 0.0}))
    (job / "failed.json").write_text(json.dumps([TITLE]))
    (job / "progress.jsonl").write_text(json.dumps({"skipped_images": 1, "skipped": [TITLE]}) + "\n")
    return folder


@pytest.fixture
def opened(made: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch):
    """Opens a page: opened("explore", photo="cat")."""
    shutil.copytree(made / "cache", own_cache)
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(made / SHOWN))

    return partial(open_page, patience_s=3 * PATIENCE_S)


def texts(element: Message) -> Iterator[tuple[str, str]]:
    """Every text of an element, with the name of its field."""
    for descriptor, value in element.ListFields():
        for one in value if descriptor.is_repeated else (value,):
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield f"{type(element).__name__}.{descriptor.name}", one


def markup(app: AppTest) -> list[tuple[str, str]]:
    """Texts on the page that Streamlit or plotly would read as markup of a name; what stands in
    `code` is shown as it is.
    """
    protos = [getattr(node, "proto", None) for node in (*app.main, *app.sidebar)]
    found = [entry for proto in protos if isinstance(proto, Message) for entry in texts(proto)]
    assert any("beacon" in text for _, text in found)  # the names are on the page at all
    shown = [(field, text) for field, text in found if field.split(".")[-1] not in LITERAL]
    return [
        (field, text)
        for field, text in shown
        if (TAGS if field == "PlotlyChart.spec" else MARKUP).search(CODE.sub("", text))
    ]


EXPLORE = {"model": small_series.NAME, "weights": RUN, "source": "folder", "row": "1", "cam": "grad-cam", "level": "1"}
PAGES = {
    "explore": EXPLORE | {"class": "no such class", "open_predictions": "1"},
    "compare": EXPLORE | {"rows": "schedules"},
    "curves": {"of": small_series.NAME, "only": CLASSES[0]},
    "retrain": {},
}


@pytest.mark.parametrize("page", PAGES)
def test_no_name_is_read_as_markup(opened, page: str) -> None:
    app = opened(page, **PAGES[page])
    assert not app.exception
    assert not app.error or page == "retrain"
    assert [(field, text[:300]) for field, text in markup(app)] == []


@pytest.mark.parametrize(
    "name", [*CLASSES, TITLE, "`![c](x)", "`` `![c](x)", "a@evil.example", "www.evil.example", "1. one", "- one", "\\"]
)
def test_a_name_is_escaped_once_and_kept(name: str) -> None:
    for shown in (plain(name, 1000), message(name)):
        assert not MARKUP.search(CODE.sub("", shown))
        assert re.sub(r"\\(?=[^\w\s]|_)", "", shown.replace("\u2060", "")) == " ".join(name.split())
    assert len(re.sub(r"\\|\u2060", "", plain("x" * 300))) == 80


def test_a_message_keeps_its_code() -> None:
    assert message("Set `SPARSIGHT_HOSTS=a_b` for *b*.") == r"Set `SPARSIGHT_HOSTS=a_b` for \*b\*."
