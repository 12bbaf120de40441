"""Display results in a notebook.

Results are pure data in a room below figures, so they cannot have a `_repr_html_` that imports
figures. IPython also formats by type: `register` tells its formatters how to show each of VIEWS, by
the type's name and before any of them is imported. The facade does so when `core` is imported
inside IPython, on which JupyterLab, VS Code, Colab and Kaggle run. Elsewhere a result keeps its
plain `repr`, and `html` returns the same page for any other front end or a file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from core.base.errors import BadSpec
from core.figures.notebook.view import View, to_html, to_text

# Type -> module and name of the function that makes its view; imported on first use.
VIEWS: dict[str, tuple[str, str]] = {
    "core.models.cards.Card": ("networks", "card"),
    "core.results.heatmaps.Comparison": ("results", "comparison"),
    "core.results.heatmaps.Heatmap": ("results", "heatmap"),
    "core.results.images.Picture": ("results", "picture"),
    "core.results.agreement.Agreement": ("results", "agreement"),
    "core.results.data.Accuracy": ("results", "accuracy"),
    "core.results.pruning.MaskReport": ("results", "mask"),
    "core.results.pruning.CostReport": ("results", "cost"),
    "core.evaluation.evaluate.Table": ("results", "table"),
    "core.figures.strips.Sheet": ("results", "sheet"),
    "core.protocols.lukkien.tables.StudyTables": ("tables", "study"),
    "core.protocols.series.tables.SeriesTables": ("tables", "series"),
    "core.protocols.googlenet.tables.VonradTables": ("tables", "googlenet"),
}


def html(result: object) -> str:
    """Return a result as a notebook shows it: HTML with embedded pictures, without JavaScript.

    Raises BadSpec if it is not a result.
    """
    return to_html(_view(result))


def register(shell: Any) -> None:
    """Tell an IPython shell how to show results: as HTML and, in a terminal, as text.

    shell: an InteractiveShell, or any object with its `display_formatter`.
    """
    formatters = shell.display_formatter.formatters
    for kind in VIEWS:
        module, _, name = kind.rpartition(".")
        formatters["text/html"].for_type_by_name(module, name, html)
        formatters["text/plain"].for_type_by_name(module, name, _print)


def register_here() -> None:
    """Call `register` with the shell that runs this code; do nothing outside IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell:
        register(shell)


def _print(result: object, printer: Any, cycle: bool) -> None:
    printer.text(to_text(_view(result)))


def _view(result: object) -> View:
    kind = type(result)
    place = VIEWS.get(f"{kind.__module__}.{kind.__qualname__}")
    if place is None:
        raise BadSpec(
            f"A {kind.__name__} has no view.", f"Views exist for {', '.join(name.split('.')[-1] for name in VIEWS)}."
        )
    module, name = place
    make: Callable[[Any], View] = getattr(import_module(f"core.figures.notebook.{module}"), name)
    return make(result)
