"""A pruned network to take away: saved as a network of its own, or downloaded as files that run
without Sparsight.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core import ModelSpec, VariantSpec
from core.base.numbers import size
from core.engine.reference_text import write_reference
from core.portable.export import Exported, export_zip
from pages.parts.common import access, engine, link
from pages.parts.common.background import Task, Work, background
from pages.parts.common.markdown import message, plain
from pages.parts.common.state import state
from pages.parts.common.waiting import follow

# What stays when a view is opened for the saved network.
KEPT = ("source", "photo", "row", "digit", "nth", "noise", "cam", "layer", "outline", "opacity")


@dataclass(frozen=True, eq=False)
class Zipped:
    """A zip file, in a folder that is deleted with this object."""

    folder: tempfile.TemporaryDirectory[str]
    done: Exported

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / "network.zip"


def take_away(variant: VariantSpec, smaller: bool) -> None:
    """Draws the buttons.

    Args:
        smaller: whether channels can be removed.
    """
    if smaller and access.offers(access.OWN_WEIGHTS):
        _saving(variant)
    _download(variant, smaller)


def _saving(variant: VariantSpec) -> None:
    def save(task: Task) -> ModelSpec:
        access.require(access.OWN_WEIGHTS)
        return engine.engine().save_smaller(variant)

    work = Work(
        place="save smaller", key=("save smaller", variant), stamp=engine.stamp(variant), what="Saving", run=save
    )
    task = background().find(work)
    if task and task.succeeded and task.answer.name not in engine.catalogue():
        background().forget(work)  # it was deleted meanwhile
    follow(work, "Save the smaller network as one of your own", lambda answers: _saved(variant, answers[0]))


def _saved(variant: VariantSpec, model: ModelSpec) -> None:
    title = plain(engine.catalogue().title(model))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/check: Saved as **{title}**. It gives the same outputs.", width="content")
        if st.button(
            "Open it beside the one it comes from",
            key="_open_smaller",
            icon=":material/compare_arrows:",
            type="tertiary",
            on_click=lambda: link.show(_view(variant, model)),
        ):
            st.rerun()  # the whole page: this is drawn by a fragment


def _view(variant: VariantSpec, model: ModelSpec) -> dict[str, object]:
    """Returns the view of the saved network beside the network that was pruned, or the level."""
    parent = variant if variant.pruning.is_trained else variant.dense
    kept = {name: value for name, value in state().view.values.items() if name in KEPT}
    reference = write_reference(VariantSpec(model=model), parent)
    return kept | {"model": model.name, "ref": reference, "fine": 0.0, "sparsity": 0.0}


def _download(variant: VariantSpec, smaller: bool) -> None:
    """Draws the download of the smaller network, or of the one with its zeros in place."""
    st.caption(
        "Files that run without Sparsight: weights (safetensors), a short Python file, torch.export and ONNX. Each is"
        " read again and compared."
    )
    removed = smaller and st.toggle("Without the emptied channels", value=True, key="_export_smaller")

    def write(task: Task) -> Zipped:
        folder = tempfile.TemporaryDirectory(prefix="sparsight-")
        return Zipped(
            folder,
            export_zip(engine.engine(), variant, Path(folder.name) / "network.zip", removed, progress=task.advance),
        )

    work = Work(
        place="export",
        key=("export", variant, removed),
        stamp=engine.stamp(variant),
        what="Writing and checking",
        run=write,
        large=True,
        slow=True,
    )
    follow(work, "Prepare the download", lambda answers: _offer(answers[0]))


def _offer(zipped: Zipped) -> None:
    checks = zipped.done.checks
    st.download_button(
        f"Download {size(zipped.path.stat().st_size)}",
        zipped.path.read_bytes,
        "sparsight-network.zip",
        "application/zip",
        key="_export_download",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(
        message(
            "Checked, with the largest difference of the outputs: "
            + ", ".join(f"{name} {check.difference:.1g}" for name, check in checks.items())
            + "."
        )
        if checks
        else "The weights were read again."
    )
    for name, reason in zipped.done.left_out.items():
        st.caption(f":material/info: {message(f'{name} is left out: {reason}.')}")
