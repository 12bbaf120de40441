"""Plotly figures for pages, notebooks and downloads: `core.plots`.

Each function takes results or tables and returns a figure; the last line of a cell shows it.

| of | functions |
|---|---|
| Explore | `kept_weights`, `series_curve`, `probabilities`, `threshold_curve`, `followed`, `typical`, `one_at_a_time` |
| Curves, the thesis | `study_curves`, `study_scatter`, `study_map_statistics`, `study_correct_against_wrong` |
| Curves, choices of the thesis | `study_specification` |
| Curves, retrained series | `retrained_curve` |
| Curves, GoogLeNet | `googlenet_without_retraining`, `googlenet_retrained`, `googlenet_epochs`, `googlenet_methods` |
| Curves, units of GoogLeNet | `googlenet_interpretability` |
| Retrain | `training_loss`, `training_accuracy` |
| Lessons | `lesson_lines`, `lesson_bars`, `lesson_scatter`, `lesson_race`, `lesson_spreads` |
| Lessons, changes beside the dense network | `lesson_changes`, `lesson_bounds` |
| a sweep, on Explore too | `sweep_means`, `sweep_plane` |
| a sweep: what breaks first | `breaks_alive`, `breaks_thresholds`, `breaks_order`, `breaks_heatmaps` |
| a sweep: what is forgotten | `forgotten_images`, `forgotten_classes` |
| Decide | `candidates_pareto` |
| Units | `units_distribution`, `units_against_sparsity`, `units_map` |
| Study | `people_shares`, `people_predictors` |
| notebooks only | `accuracy_curves` |

A browser draws these figures with plotly's JavaScript, which JupyterLab, VS Code and Colab provide.
For other front ends, `plotly.io.renderers.default = "notebook"` embeds it (4.8 MB per notebook).
Results and `core.rows` need no JavaScript. For a file without JavaScript, `figure.write_image`
needs the package kaleido and a Chrome; Sparsight installs neither.
"""  # noqa: W505 - a table has one row per line

from importlib import import_module
from typing import Any

# Name -> module and name in it; a module is imported with the first of its figures.
FIGURES: dict[str, tuple[str, str]] = {
    "kept_weights": ("base", "kept_weights"),
    "series_curve": ("base", "series_curve"),
    "probabilities": ("base", "probabilities"),
    "threshold_curve": ("base", "threshold_curve"),
    "followed": ("base", "followed"),
    "typical": ("base", "typical"),
    "one_at_a_time": ("base", "one_at_a_time"),
    "study_curves": ("lukkien", "curves"),
    "study_scatter": ("lukkien", "scatter"),
    "study_map_statistics": ("lukkien", "map_statistics"),
    "study_correct_against_wrong": ("lukkien", "correct_against_wrong"),
    "study_specification": ("specification", "curve"),
    "retrained_curve": ("series", "retrained_curve"),
    "googlenet_without_retraining": ("googlenet", "without_retraining"),
    "googlenet_retrained": ("googlenet", "iterative_and_one_shot"),
    "googlenet_epochs": ("googlenet", "curve"),
    "googlenet_methods": ("googlenet", "methods"),
    "googlenet_interpretability": ("googlenet", "interpretability"),
    "training_loss": ("training", "loss"),
    "training_accuracy": ("training", "right"),
    "lesson_lines": ("lessons", "lines"),
    "lesson_bars": ("lessons", "bars"),
    "lesson_scatter": ("lessons", "scatter"),
    "lesson_race": ("lessons", "race"),
    "lesson_spreads": ("lessons", "spreads"),
    "lesson_changes": ("lessons", "changes"),
    "lesson_bounds": ("lessons", "bounds"),
    "sweep_means": ("sweeps", "means"),
    "sweep_plane": ("sweeps", "plane"),
    "breaks_alive": ("breaks", "alive"),
    "breaks_thresholds": ("breaks", "thresholds"),
    "breaks_order": ("breaks", "order"),
    "breaks_heatmaps": ("breaks", "heatmaps"),
    "forgotten_images": ("breaks", "forgotten"),
    "forgotten_classes": ("breaks", "classes"),
    "candidates_pareto": ("candidates", "pareto"),
    "units_distribution": ("units", "distribution"),
    "units_against_sparsity": ("units", "against_sparsity"),
    "units_map": ("units", "unit_map"),
    "people_shares": ("people", "shares"),
    "people_predictors": ("people", "predictors"),
    "accuracy_curves": ("accuracies", "accuracy_curves"),
}
COLOURS = ("DENSE", "PRUNED", "NEUTRAL")
__all__ = [*FIGURES, *COLOURS]


def __getattr__(name: str) -> Any:
    if name in COLOURS:
        return getattr(import_module("core.figures.plots.base"), name)
    if name not in FIGURES:
        raise AttributeError(f"module 'core.figures.plots' has no attribute '{name}'")
    module, inner = FIGURES[name]
    return getattr(import_module(f"core.figures.plots.{module}"), inner)


def __dir__() -> list[str]:
    return sorted(__all__)
