"""Hostile addresses and command lines: each function makes one and returns the call that gives it
to Sparsight.
"""

from __future__ import annotations

import atexit
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from bench.faults.hostile_files import BATCH, MAPPING
from bench.faults.hostile_pictures import picture
from bench.faults.mutations import rewritten, strange
from bench.faults.place import SECRET, Place
from core.base.errors import SparsightError
from core.base.settings import shipped_folder
from core.cli.main import main
from core.engine.engine import Engine
from core.report.address import read_view
from core.sweeps.address import read_address

Call = Callable[[], object]
NEEDED: dict[str, Callable[[], bytes]] = {  # by command lines
    "photo.png": lambda: picture(Random(0)),
    "batch.csv": BATCH.encode,
    "mapping.yaml": MAPPING.encode,
    "own.yaml": (shipped_folder() / "sweeps" / "digits.yaml").read_bytes,
}
ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
VIEWS: tuple[tuple[str, str], ...] = (
    ("explore", "model=thesis-cnn cam=grad-cam layer=relu2 sparsity=90 noise=true seed=333 digit=7 nth=1"),
    ("explore", "model=efficientnet-lite0 cam=grad-cam layer=_swish.head source=gallery photo=coffee fine=30"),
    ("explore", "model=thesis-cnn cam=layer-cam layer=conv2 schedule=iterative-reset unit=level level=3 ref=seed.334"),
    ("explore", "model=thesis-cnn cam=grad-cam layer=relu2 target=class class=7 opacity=65 threshold=0.5"),
    ("explore", "model=thesis-cnn cam=grad-cam layer=relu2 byhand=conv1 amount.conv1=20 excluded=fc sweep=100"),
    ("compare", "model=thesis-cnn rows=images cam=grad-cam layer=relu2 seed=333 noise=true"),
    ("decide", "model=thesis-cnn level=3 reference=dense noise=true limit=2"),
    ("curves", "tab=study trained=55000 axis=density image=3 seed=333 level=3 published=true"),
    ("lessons", "lesson=2 step=3 present=1 sparsity=90 digit=7 hide=seed lock=level"),
    ("units", "study=digits layer=conv2 unit=3 level=3"),
    ("study", "study=friday"),
    ("home", "amount=45 present=1"),
    ("settings", "present=0"),
    ("retrain", "data=digits"),
    ("my_networks", "architecture=resnet18 size=224 mean=0.5"),
)
WRITES = ("--out", "--report", "--folder", "write", "export", "made")
# Of commands that end within seconds. What serves, trains and runs jobs is left out.
LINES = (
    "info",
    "heatmap --digit 7 --sparsity 0.9 --cam grad-cam --layer relu2 --target 7 --noise 0.2",
    "heatmap --model thesis-cnn --seed 334 --level 3 --reference seed.333 --digit 12 --out made.zip",
    "heatmap --photo coffee --model efficientnet-lite0 --sparsity 0.3 --target espresso",
    "heatmap --image photo.png --sparsity 0.5 --exclude fc.weight --granularity filter",
    "keep --sparsity 0.8 --criterion random --scope layer",
    "cost --granularity 2:4",
    "shrink --sparsity 0.5 --granularity filter --title mine",
    "forget own-thesis-cnn-0123456789abcdef",
    "jobs",
    "jobs pause 20260101-120000",
    "sweep list",
    "sweep show digits",
    "sweep show own.yaml --by-class",
    "sweep write http://127.0.0.1:8501/explore?model=thesis-cnn&cam=grad-cam&layer=relu2 made.yaml",
    "sweep export digits made.csv",
    "units show digits",
    "study list",
    "study write class made.yaml",
    "study power friday --studies 3",
    "study simulate friday --seed 3",
    "study import-mturk batch.csv mapping.yaml",
    "study show friday",
    "report own.yaml --out made.html",
    "protocol show lukkien",
    "evaluate --sparsity 2",
    "decide --level 3 --limit-accuracy 0.02 --images 20",
)


def hostile_address(draw: Random, place: Place) -> Call:
    """The address of a page, opened in an own session, or read by the command line."""
    page, said = draw.choice(VIEWS)
    parts = [(name, value) for name, _, value in (part.partition("=") for part in said.split())]
    for _ in range(draw.choice((1, 1, 2, 4))):
        harm, at = draw.randrange(5), draw.randrange(len(parts))
        name, value = parts[at]
        new = {0: (name, strange(draw)), 1: (strange(draw)[:1000], value), 2: (name, rewritten(value, draw))}.get(harm)
        parts[at:at] = [new] if new else [draw.choice(parts)]
        if harm in (0, 2):
            parts.pop(at + 1)
    if draw.random() < 0.5:
        link = f"http://127.0.0.1:8501/{page}?" + urlencode(parts, errors="surrogatepass", encoding="utf-8")
        link = rewritten(link, draw) if draw.random() < 0.5 else link
        if draw.random() < 0.5:
            return lambda: read_view(link, Engine("cpu", place.cache))
        return lambda: read_address(link, Engine("cpu", place.cache).catalogue)
    return lambda: _opened(page, [(name, value) for name, value in parts], _place_of_pages())


def _opened(page: str, parts: list[tuple[str, str]], place: Place) -> None:
    """The page shows no error but explained ones, and no secret."""
    from streamlit.testing.v1 import AppTest  # takes seconds, and most campaigns open no page

    before = place.outside()
    with _settings(place):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
        if page != "home":
            app.switch_page(f"pages/{page}.py")
        for name, value in parts:
            name, text = (each.encode("utf-8", "replace").decode() for each in (name, value))  # as browsers send it
            app.query_params[name] = [*app.query_params.get(name, []), text]
        app.run()
    assert not app.exception, app.exception[0].value
    said = " ".join(str(each.value) for each in (*app.error, *app.markdown, *app.warning))
    assert "unexpected error" not in said, " ".join(each.value for each in app.code)[-500:]
    assert SECRET not in said
    assert not place.faults(before)


@cache
def _place_of_pages() -> Place:
    """Pages of one process share an engine, so a cache folder too."""
    home = Path(tempfile.mkdtemp(prefix="pages-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    Place(home).prepare()
    return Place(home)


def hostile_command(draw: Random, place: Place) -> Call:
    """A command line: words that are missing, strange, too many or in another order."""
    words = draw.choice(LINES).split()
    for _ in range(draw.choice((1, 1, 1, 2))):
        values = [place for place in range(2, len(words)) if not words[place].startswith("--")]
        at = draw.choice(values) if values and draw.random() < 0.8 else draw.randrange(len(words))
        new = [[strange(draw)], [rewritten(words[at], draw)], [], [words[at], strange(draw)]]
        words[at : at + 1] = draw.choice([*new, new[0], [words[at], *draw.choice(LINES).split()[1:3]]])
        words = words or ["info"]
    words = [word.replace("\0", "") for word in words]  # a system passes no NUL
    if any(word.startswith(WRITES) for word in words):  # people may write their own files where they like
        words = [word for word in words if ".." not in word and not word.startswith(("/", "~"))]
    if draw.random() < 0.3:
        words.append("--json")
    for name, content in NEEDED.items():
        (place.inputs / name).write_bytes(content())
    return lambda: _ran(words, place)


def _ran(words: list[str], place: Place) -> None:
    """The command ends with a status that is documented, and a reason unless that is 0."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=how) for how in ("strict", "backslashreplace"))
    with _settings(place), _within(place.inputs), redirect_stdout(out), redirect_stderr(err):
        status = main(words)
        out.flush()
        err.flush()
    told = err.buffer.getvalue().decode()
    assert status in (0, 1, 2), f"{words}: status {status}"
    broken = "Sparsight failed" in told or "Traceback" in told
    assert not broken, f"{str(words)[:300]}: {told[-500:]}"
    assert SECRET not in told
    if status:
        raise SparsightError(told.strip(), "As it was printed.")


@contextmanager
def _settings(place: Place) -> Iterator[None]:
    """The cache folder is that of the trial."""
    before = os.environ.get("SPARSIGHT_CACHE")
    os.environ["SPARSIGHT_CACHE"] = str(place.cache)
    try:
        yield
    finally:
        os.environ.pop("SPARSIGHT_CACHE")
        if before is not None:
            os.environ["SPARSIGHT_CACHE"] = before


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
