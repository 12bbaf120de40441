"""Names of timm as names of torchvision, where the two build the same network.

timm's ResNets, ResNeXts and DenseNets have torchvision's names already. MobileNet v3, EfficientNet
v2 and B5 to B7 exist in timm with two epsilons of their batch norms, which no file of weights
tells apart: they are not mapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from core.base.errors import BadFile

Shapes = Mapping[str, tuple[int, ...]]
VGG = {"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3.", "head.fc.": "classifier.6."}
CONVNEXT = {
    "gamma": "layer_scale",
    "conv_dw": "block.0",
    "norm": "block.2",
    "mlp.fc1": "block.3",
    "mlp.fc2": "block.5",
}
BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(se\.conv_reduce|se\.conv_expand|\w+)\.(\w+)")
STAGE = re.compile(r"stages\.(\d+)\.(?:blocks\.(\d+)\.([\w.]*?)(\.weight|\.bias|(?<=gamma))|downsample\.(\d)(\.\w+))")
WIDEST = 1792  # outputs of EfficientNet-B4's last convolution; wider ones have another epsilon in torchvision


def renamed(names: Iterable[str], shapes: Shapes) -> dict[str, str]:
    """Return torchvision's name of each of timm's names; those of other files are missing.

    Args:
        names: of a file, without prefixes. shapes: of torchvision's network.
    Raises:
        BadFile: timm's file does not say which of two networks it belongs to.
    """
    found = list(names)
    if any(name.startswith("pre_logits.") for name in found) and "classifier.6.weight" in shapes:
        return {name: new for name in found if (new := _exchanged(name, VGG))}
    if any(name.startswith("stages.") for name in found) and "features.1.0.layer_scale" in shapes:
        return {name: new for name in found if (new := _convnext(name))}
    if any(name.startswith("blocks.") for name in found) and "features.0.0.weight" in shapes:
        return _mobile(found, shapes)
    return {}


def _exchanged(name: str, starts: Mapping[str, str]) -> str:
    return next((new + name.removeprefix(old) for old, new in starts.items() if name.startswith(old)), "")


def _convnext(name: str) -> str:
    if match := STAGE.fullmatch(name):
        stage, block, part, kind, step, rest = match.groups()
        if step is not None:
            return f"features.{2 * int(stage)}.{step}{rest}"
        return f"features.{2 * int(stage) + 1}.{block}.{CONVNEXT.get(part, part)}{kind}"
    return _exchanged(name, {"stem.": "features.0.", "head.norm.": "classifier.0.", "head.fc.": "classifier.2."})


def _mobile(names: list[str], shapes: Shapes) -> dict[str, str]:
    """Map MobileNet v2 and EfficientNet B0 to B4: inverted bottlenecks between stem and head."""
    last = max(int(name.split(".")[1]) for name in shapes if name.startswith("features."))
    small = "features.1.conv.0.0.weight" in shapes
    clear = "features.1.0.block.1.fc1.weight" in shapes and shapes[f"features.{last}.0.weight"][0] <= WIDEST
    if not (small or clear):
        raise BadFile(
            "These are names of timm, whose networks of this kind exist with two epsilons of their batch norms.",
            "A file of weights does not tell them apart, and one of the two would give wrong answers.",
            "Build the network with timm.create_model in a notebook and use engine.add_module.",
        )
    blocks: dict[tuple[int, int], set[str]] = {}
    for match in filter(None, map(BLOCK.fullmatch, names)):
        blocks.setdefault((int(match[1]), int(match[2])), set()).add(match[3])
    new: dict[tuple[int, int, str], str] = {}
    for place, (stage, block) in enumerate(sorted(blocks)):
        home = f"features.{place + 1}.conv" if small else f"features.{stage + 1}.{block}.block"
        for part, tail in _places(blocks[stage, block], small).items():
            new[stage, block, part] = f"{home}.{tail}"
    ends = {
        "conv_stem.": "features.0.0.",
        "bn1.": "features.0.1.",
        "conv_head.": f"features.{last}.0.",
        "bn2.": f"features.{last}.1.",
        "classifier.": "classifier.1.",
    }
    found = {name: target for name in names if (target := _exchanged(name, ends))}
    for match in filter(None, map(BLOCK.fullmatch, names)):
        if (key := (int(match[1]), int(match[2]), match[3])) in new:
            found[match[0]] = f"{new[key]}.{match[4]}"
    return found


def _places(parts: set[str], small: bool) -> dict[str, str]:
    """Return where torchvision's block has each part of timm's block.

    small: of MobileNet v2, whose last convolution and norm are not grouped.
    """
    rows: list[tuple[str, ...]] = [("conv_dw", "bn1"), ("conv_pw", "bn2")]
    if "conv_pwl" in parts:
        rows = [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")]
    if "se.conv_reduce" in parts:
        rows.insert(-1, ("se.conv_reduce", "se.conv_expand"))
    last = len(rows) - 1
    found = {}
    for place, row in enumerate(rows):
        for step, part in enumerate(row):
            if small and place == last:
                found[part] = str(place + step)
            else:
                found[part] = f"{place}.fc{step + 1}" if part.startswith("se.") else f"{place}.{step}"
    return found
