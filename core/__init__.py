"""Sparsight's engine: does a pruned network still look at the same things?

from core import Engine, VariantSpec, PruningSpec, ImageRef, CamSpec

The public names for notebooks: results are displayed as the last line of a cell, `explore` is a
live slider, `plots` has a function for every figure of the app. Nothing in core imports this
module.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# torch's threads spin while they wait, which makes a heatmap 30 times slower beside any other busy
# process. torch reads this on import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.base.errors import SparsightError
from core.figures.notebook.display import register_here
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, RetrainSpec, TrainSpec, VariantSpec

if TYPE_CHECKING:
    from core.base.plugins import load_plugins as load_plugins
    from core.data.decode import TrainingImages as TrainingImages
    from core.disk.files import Files as Files
    from core.engine import amounts as amounts
    from core.engine.engine import Engine as Engine
    from core.figures import contacts as contacts
    from core.figures import export as export
    from core.figures import maps as maps
    from core.figures import plots as plots
    from core.figures import sheets as sheets
    from core.figures import strips as strips
    from core.figures.candidates import decision_frame as decision_frame
    from core.figures.candidates import decision_sentences as decision_sentences
    from core.figures.notebook.display import html as html
    from core.figures.notebook.explore import explore as explore
    from core.figures.plots import lukkien as study_plots
    from core.figures.plots import series as series_plots
    from core.figures.plots import sweeps as sweep_plots
    from core.figures.strips import rows as rows
    from core.measures import MEASURES as MEASURES
    from core.models import own as own
    from core.models.zoo import default_model as default_model
    from core.portable.export import export_network as export_network
    from core.protocols.lukkien import protocol as lukkien
    from core.protocols.lukkien.sensitivity import load_sensitivity as load_sensitivity
    from core.protocols.lukkien.tables import found_studies as found_studies
    from core.protocols.lukkien.tables import load_images as load_images
    from core.protocols.lukkien.tables import load_study as load_study
    from core.protocols.merkle import protocol as merkle
    from core.protocols.series import images as series_images
    from core.protocols.series import tables as series_tables
    from core.results import MAP_STATES as MAP_STATES
    from core.saliency import CAMS as CAMS
    from core.stats.bootstrap import mean_interval as mean_interval
    from core.stats.intervals import wilson as wilson
    from core.study import wording as study_wording
    from core.study.analysis import analyse as analyse
    from core.study.folder import open_study as open_study
    from core.study.published import published_frame as published_frame
    from core.study.summary import measure_rows as measure_rows
    from core.study.summary import share_rows as share_rows
    from core.sweeps import breaks as sweep_breaks
    from core.sweeps import candidates as candidates
    from core.sweeps import curves as sweep_curves
    from core.sweeps import decision as decision
    from core.sweeps import families as sweep_families
    from core.sweeps import forgotten as sweep_forgotten
    from core.sweeps import galleries as sweep_galleries
    from core.sweeps import read as sweep_answers
    from core.sweeps.estimate import estimate as estimate
    from core.sweeps.known import known_sweeps as known_sweeps
    from core.sweeps.spec import SweepSpec as SweepSpec
    from core.sweeps.spec import grid as grid
    from core.sweeps.sweep import Sweep as Sweep
    from core.sweeps.written import read_sweep as read_sweep
    from core.training.series import Material as Material
    from core.training.series import run_series as run_series
    from core.units import read as unit_answers
    from core.units import relation as unit_relations
    from core.units.included import unit_study as unit_study
    from core.units.machine import machine_tasks as machine_tasks
    from core.units.study import UnitOptions as UnitOptions
    from core.units.study import UnitStudy as UnitStudy

# Imported on first use: torch takes seconds, and `python -m core --help` must not wait for it.
NAMES = {
    "CAMS": "core.saliency",
    "Engine": "core.engine.engine",
    "Files": "core.disk.files",
    "MAP_STATES": "core.results",
    "MEASURES": "core.measures",
    "Material": "core.training.series",
    "Sweep": "core.sweeps.sweep",
    "SweepSpec": "core.sweeps.spec",
    "TrainingImages": "core.data.decode",
    "UnitOptions": "core.units.study",
    "UnitStudy": "core.units.study",
    "machine_tasks": "core.units.machine",
    "unit_study": "core.units.included",
    "analyse": "core.study.analysis",
    "decision_frame": "core.figures.candidates",
    "decision_sentences": "core.figures.candidates",
    "default_model": "core.models.zoo",
    "estimate": "core.sweeps.estimate",
    "export_network": "core.portable.export",
    "explore": "core.figures.notebook.explore",
    "found_studies": "core.protocols.lukkien.tables",
    "grid": "core.sweeps.spec",
    "html": "core.figures.notebook.display",
    "load_images": "core.protocols.lukkien.tables",
    "load_sensitivity": "core.protocols.lukkien.sensitivity",
    "load_plugins": "core.base.plugins",
    "load_study": "core.protocols.lukkien.tables",
    "mean_interval": "core.stats.bootstrap",
    "measure_rows": "core.study.summary",
    "open_study": "core.study.folder",
    "published_frame": "core.study.published",
    "known_sweeps": "core.sweeps.known",
    "read_sweep": "core.sweeps.written",
    "share_rows": "core.study.summary",
    "rows": "core.figures.strips",
    "run_series": "core.training.series",
    "wilson": "core.stats.intervals",
}
MODULES = {
    "amounts": "core.engine.amounts",
    "candidates": "core.sweeps.candidates",
    "contacts": "core.figures.contacts",
    "decision": "core.sweeps.decision",
    "export": "core.figures.export",
    "lukkien": "core.protocols.lukkien.protocol",
    "maps": "core.figures.maps",
    "merkle": "core.protocols.merkle.protocol",
    "own": "core.models.own",
    "plots": "core.figures.plots",
    "series_images": "core.protocols.series.images",
    "series_plots": "core.figures.plots.series",
    "series_tables": "core.protocols.series.tables",
    "sheets": "core.figures.sheets",
    "strips": "core.figures.strips",
    "study_plots": "core.figures.plots.lukkien",
    "study_wording": "core.study.wording",
    "sweep_answers": "core.sweeps.read",
    "sweep_breaks": "core.sweeps.breaks",
    "sweep_curves": "core.sweeps.curves",
    "sweep_families": "core.sweeps.families",
    "sweep_forgotten": "core.sweeps.forgotten",
    "sweep_galleries": "core.sweeps.galleries",
    "sweep_plots": "core.figures.plots.sweeps",
    "unit_answers": "core.units.read",
    "unit_relations": "core.units.relation",
}
__all__ = [
    "CamSpec",
    "DataSpec",
    "ImageRef",
    "ModelSpec",
    "PruningSpec",
    "RetrainSpec",
    "SparsightError",
    "TrainSpec",
    "VariantSpec",
    *NAMES,
    *MODULES,
]

register_here()


def __getattr__(name: str) -> Any:
    if name in NAMES:
        return getattr(import_module(NAMES[name]), name)
    if name in MODULES:
        return import_module(MODULES[name])
    raise AttributeError(f"module 'core' has no attribute '{name}'")
