"""Export the current view: as a notebook cell that recreates it, or as a zip of pictures, raw maps
and their provenance.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL.Image import Image

from core.figures import maps
from core.figures.facts import comparison_facts, versions
from core.figures.names import names
from core.results import Comparison, Mapped
from core.specs import CamSpec, ImageRef, PruningSpec, VariantSpec

FORMAT = 1  # of the zip's provenance.json
OPACITY = 0.65


def code_for(
    variant: VariantSpec,
    image: ImageRef,
    cam: CamSpec,
    opacity: float = OPACITY,
    reference: VariantSpec | None = None,
    mapping: Mapped = (),
) -> str:
    """Return a notebook cell that recreates this view.

    An uploaded image is read from a file that you name.
    """
    own = image.source == "own"
    against = "" if reference in (None, variant.dense) else ", reference" + (", mapping" if mapping else "")
    usual = ImageRef(source=image.source, name=image.name)
    source = "" if image.source == "digits" else f"source={image.source!r}, "
    noise = f", noise={image.noise:g}" if image.noise != usual.noise else ""
    lines = [
        "from dataclasses import replace" if own else "",
        "from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec, maps",
        "",
        "engine = Engine()",
        f"variant = {_variant(variant)}",
        f'image = replace(engine.add_image(open("my-image.png", "rb").read(), variant.model), noise={image.noise:g})'
        if own
        else "",
        "" if own else f"image = ImageRef({source}name={image.name!r}{noise})",
        f"cam = CamSpec(method={cam.method!r}{f', layer={cam.layer!r}' if cam.layer else ''}, target={cam.target!r})",
        f"reference = {_variant(reference)}" if reference and against else "",
        f"mapping = {mapping!r}" if against and mapping else "",
        f"answer = engine.compare(variant, image, cam{against})",
        "",
        "print(answer.mask.sparsity, dict(answer.overlap_pruned.values))",
        f"maps.overlay(answer.pruned, answer.picture.clean, opacity={opacity:g})  # or maps.difference(answer)",
    ]
    first = 0 if own else 1
    return "\n".join(line for position, line in enumerate(lines[first:], first) if line or position in (2, 11)) + "\n"


def bundle(answer: Comparison, opacity: float = OPACITY) -> bytes:
    """Return a zip of four PNGs, `maps.npz` (every array, unrounded) and `provenance.json` (specs,
    numbers and versions).
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in four_pictures(answer, opacity).items():
            archive.writestr(f"{name}.png", maps.png(picture))
        archive.writestr("maps.npz", _arrays(answer))
        archive.writestr("provenance.json", json.dumps(provenance(answer, opacity), indent=2, allow_nan=False))
    return target.getvalue()


def provenance(answer: Comparison, opacity: float = OPACITY) -> dict[str, Any]:
    """Return specs, keys, counts, scores, predictions and versions for JSON. Undefined scores are
    null.
    """
    pruned, reference = answer.pruned, answer.reference.variant
    return {
        "made_by": "Sparsight",
        "format": FORMAT,
        "versions": versions(),
        "specs": {
            "variant": asdict(pruned.variant),
            "image": asdict(pruned.image),
            "cam": asdict(pruned.cam),
            "reference": asdict(reference),
            "mapping": [list(pair) for pair in answer.mapping],
        },
        "keys": {
            "variant": pruned.variant.key,
            "image": pruned.image.key,
            "cam": pruned.cam.key,
            "reference": reference.key,
        },
        "opacity": opacity,
        "code": code_for(*answer.question, opacity, reference, answer.mapping),
        "answer": comparison_facts(answer),
    }


def four_pictures(answer: Comparison, opacity: float = OPACITY) -> dict[str, Image]:
    """Draw the input, both heatmaps over it and their difference, by file name."""
    clean, (reference, own) = answer.picture.clean, names(answer).files
    return {
        "1-input": maps.plain(answer.picture.seen),
        f"2-{reference}": maps.overlay(answer.reference, clean, opacity),
        f"3-{own}": maps.overlay(answer.pruned, clean, opacity),
        f"4-{reference}-minus-{own}": maps.difference(answer),
    }


def _arrays(answer: Comparison) -> bytes:
    arrays = {"clean": answer.picture.clean, "seen": answer.picture.seen, "difference": answer.difference}
    for name, side in zip(names(answer).files, (answer.reference, answer.pruned), strict=True):
        arrays |= {
            f"{name}_map": side.map,
            f"{name}_saliency": side.saliency,
            f"{name}_probabilities": side.prediction.probabilities,
        }
    if answer.picture.truth is not None:
        arrays["truth"] = answer.picture.truth
    target = io.BytesIO()
    np.savez_compressed(target, allow_pickle=False, **arrays)
    return target.getvalue()


def _variant(variant: VariantSpec) -> str:
    return f"VariantSpec(model={_call(variant.model)}, pruning={_pruning(variant.pruning)})"


def _call(spec: Any) -> str:
    """Return the Python code of a spec, without defaults."""
    default = type(spec)()
    given = {name: value for name, value in vars(spec).items() if value != getattr(default, name)}
    return f"{type(spec).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _pruning(spec: PruningSpec) -> str:
    if spec.is_one_shot:
        extra = "".join(
            f", {name}={getattr(spec, name)!r}"
            for name in ("granularity", "scope", "criterion", "seed", "excluded", "overrides", "repair")
            if getattr(spec, name) != getattr(PruningSpec(), name)
        )
        return f"PruningSpec.one_shot({spec.sparsity!r}{extra})"
    if spec.level is None:
        return "PruningSpec()"
    return f"PruningSpec.at_level({spec.level}{'' if spec.schedule == 'iterative-reset' else f', {spec.schedule!r}'})"
