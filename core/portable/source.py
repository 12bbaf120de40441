"""network.py of an exported network: a short Python file that builds it with torch and torchvision,
reads its weights, and checks itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from core.base.version import VERSION
from core.models import architectures, torchvision_cnns
from core.models.building import skeleton

HEAD = '''"""{title}

Written by Sparsight {version}. Needs torch and torchvision, nothing else.

    python network.py             runs the network on example.png and checks its outputs
    python network.py photo.jpg   prints its answers for an image of yours

    from network import load, prepare
    logits = load()(prepare("photo.jpg"))
"""

import json
import math
import sys
from pathlib import Path

import torch
'''
TAIL = '''

HERE = Path(__file__).resolve().parent
FACTS = json.loads((HERE / "network.json").read_text(encoding="utf-8"))
TYPES = {"F32": torch.float32, "I64": torch.int64}


def load():
    """Build the network and read its weights."""
    network = build()
    state = network.state_dict()
    state.update(read("weights.safetensors"))
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def read(name):
    """Read the tensors of a safetensors file, as safetensors.torch.load_file does."""
    content = bytearray((HERE / name).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    entries = json.loads(content[8:start])
    entries.pop("__metadata__", None)
    tensors = {}
    for key, entry in entries.items():
        place, count = start + entry["data_offsets"][0], math.prod(entry["shape"])
        values = torch.frombuffer(content, dtype=TYPES[entry["dtype"]], count=count, offset=place)
        tensors[key] = values.reshape(entry["shape"]).clone()
    return tensors


def prepare(path):
    """Read an image and turn it into the network's input: (1, channels, height, width)."""
    from PIL import Image, ImageOps

    rule = FACTS["input"]
    channels, (height, width), short = len(rule["mean"]), rule["size_px"], rule["resize_px"]
    try:
        image = ImageOps.exif_transpose(Image.open(path)).convert("L" if channels == 1 else "RGB")
    except OSError as error:
        sys.exit(f"{path} cannot be read as an image ({error}).")
    scaling = Image.Resampling[rule["interpolation"].upper()]
    if short is None:
        image = image.resize((width, height), scaling)
    else:
        longer = max(short, int(short * max(image.size) / min(image.size)))
        image = image.resize((short, longer) if image.width <= image.height else (longer, short), scaling)
        left, top = (
            round((side - wanted) / 2) if side >= wanted else -((wanted - side) // 2)
            for side, wanted in zip(image.size, (width, height))
        )
        image = image.crop((left, top, left + width, top + height))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(height, width, -1)
    values = pixels.permute(2, 0, 1)[None].float() / 255
    if channels == 4:  # opaque everywhere
        values = torch.cat([values, torch.ones_like(values[:, :1])], dim=1)
    if rule["channel_order"] == "BGR":
        values = torch.cat([values[:, :3].flip(1), values[:, 3:]], dim=1)
    low, high = rule["value_range"]
    mean, std = (torch.tensor(rule[name])[:, None, None] for name in ("mean", "std"))
    return (values * (high - low) + low - mean) / std


def check():
    """Compare the network with the outputs that it had in Sparsight, to 1e-5."""
    example = read("example.safetensors")
    with torch.no_grad():
        difference = float((load()(example["images"]) - example["logits"]).abs().max())
    if not difference <= 1e-5 * max(1.0, float(example["logits"].abs().max())):
        sys.exit(f"Other outputs than in Sparsight: they differ by {difference:.2g}.")
    print(f"The same outputs as in Sparsight, to {difference:.2g}.")


def main():
    if not sys.argv[1:]:
        check()
    with torch.no_grad():
        shares = load()(prepare(sys.argv[1] if sys.argv[1:] else HERE / "example.png")).softmax(1)[0]
    for share, index in zip(*shares.topk(min(3, len(shares)))):
        print(f"{float(share):6.1%}  {FACTS['classes'][int(index)]}")


if __name__ == "__main__":
    main()
'''
TORCHVISION = """from torch import nn
from torchvision.models import get_model


def build():
    \"\"\"Build the network; its weights are random.\"\"\"
    network = get_model({arguments})
{layers}    return network
"""
LAYERS = """    # Layers of other sizes than torchvision's.
    layers = {{
{rows}
    }}
    for name, layer in layers.items():
        network.set_submodule(name, layer)
"""
THESIS = """from torch import nn
from torch.nn.functional import max_pool2d, relu


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = {conv1}
        self.conv2 = {conv2}
        self.fc = {fc}

    def forward(self, images):
        h = max_pool2d(relu(self.conv1(images)), 2)
        h = max_pool2d(relu(self.conv2(h)), 2)
        return self.fc(h.flatten(1))


def build():
    \"\"\"Build the network; its weights are random.\"\"\"
    return Network()
"""
LITE = """from torch import nn
from torch.nn.functional import pad, relu6


class Conv(nn.Conv2d):
    \"\"\"A convolution that pads (left, right, top, bottom) as TensorFlow does.\"\"\"

    def __init__(self, inputs, outputs, size, stride=1, groups=1, around=(0, 0, 0, 0), bias=False):
        super().__init__(inputs, outputs, size, stride, groups=groups, bias=bias)
        self.around = around

    def forward(self, images):
        return super().forward(pad(images, self.around))


def norm(conv):
    return nn.BatchNorm2d(conv.out_channels, eps={eps})


class Block(nn.Module):
    \"\"\"Expands, filters each channel, projects back; with a shortcut around it where sizes allow.\"\"\"

    def __init__(self, expand, depthwise, project, shortcut=False):
        super().__init__()
        if expand is not None:
            self._expand_conv, self._bn0 = expand, norm(expand)
        self._depthwise_conv, self._bn1 = depthwise, norm(depthwise)
        self._project_conv, self._bn2 = project, norm(project)
        self.shortcut = shortcut

    def forward(self, images):
        h = relu6(self._bn0(self._expand_conv(images))) if hasattr(self, "_expand_conv") else images
        h = relu6(self._bn1(self._depthwise_conv(h)))
        h = self._bn2(self._project_conv(h))
        return h + images if self.shortcut else h


class Network(nn.Module):
    \"\"\"EfficientNet-lite0 (Tan and Le 2019).\"\"\"

    def __init__(self):
        super().__init__()
        self._conv_stem = {stem}
        self._bn0 = norm(self._conv_stem)
        self._blocks = nn.Sequential(
{blocks}
        )
        self._conv_head = {head}
        self._bn1 = norm(self._conv_head)
        self._fc = {fc}

    def forward(self, images):
        h = self._blocks(relu6(self._bn0(self._conv_stem(images))))
        h = relu6(self._bn1(self._conv_head(h)))
        return self._fc(h.mean((2, 3)))


def build():
    \"\"\"Build the network; its weights are random.\"\"\"
    return Network()
"""


def source(title: str, architecture: str, network: Any) -> str:
    """Return the text of network.py.

    Args:
        title: first line of its docstring. architecture: a torchvision name, EfficientNet-lite0 or
        the thesis' CNN. network: on the CPU, its sizes are written down.
    """
    writers: dict[str, Callable[[Any], str]] = {"thesis-cnn": _thesis, architectures.LITE: _lite}
    body = writers.get(architecture, partial(_torchvision, architecture))(network)
    plain = "".join(letter if letter.isprintable() and letter not in '"\\' else " " for letter in title)
    return HEAD.format(title=plain, version=VERSION) + body + TAIL


def _torchvision(architecture: str, network: Any) -> str:
    """Write the layers that differ from torchvision's network of this many classes."""
    classes = _outputs(network)
    rescaled = getattr(network, "transform_input", None)
    full = skeleton(partial(torchvision_cnns.build, architecture, classes, bool(rescaled)))
    before = {name: repr(module) for name, module in full.named_modules()}
    rows = [
        f"        {json.dumps(name)}: {_code(module)},"
        for name, module in network.named_modules()
        if not any(module.children()) and repr(module) != before[name]
    ]
    arguments = [json.dumps(architecture), "weights=None", f"num_classes={classes}"]
    if rescaled is not None:
        arguments += ["aux_logits=False", "init_weights=False", f"transform_input={bool(rescaled)}"]
    layers = LAYERS.format(rows="\n".join(rows)) if rows else ""
    return TORCHVISION.format(arguments=", ".join(arguments), layers=layers)


def _outputs(network: nn.Module) -> int:
    """Return the number of classes: outputs of the last convolution or linear layer."""
    last = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)][-1]
    return len(last.weight)


def _thesis(network: Any) -> str:
    return THESIS.format(**{name: _code(network.get_submodule(name)) for name in ("conv1", "conv2", "fc")})


def _lite(network: Any) -> str:
    blocks = "\n".join(f"            {_block(block)}," for block in network._blocks)
    stem, head, fc = _conv(network._conv_stem), _conv(network._conv_head), _code(network._fc)
    return LITE.format(stem=stem, head=head, fc=fc, blocks=blocks, eps=network._bn0.eps)


def _block(block: Any) -> str:
    expand = _conv(block._expand_conv) if hasattr(block, "_expand_conv") else "None"
    arguments, sizes = block._block_args, (block._block_args.input_filters, block._block_args.output_filters)
    stride = arguments.stride if isinstance(arguments.stride, int) else max(arguments.stride)
    shortcut = ", shortcut=True" if block.id_skip and stride == 1 and len(set(sizes)) == 1 else ""
    return f"Block({expand}, {_conv(block._depthwise_conv)}, {_conv(block._project_conv)}{shortcut})"


def _conv(layer: Any) -> str:
    parts = [layer.in_channels, layer.out_channels, layer.kernel_size[0]]
    around = tuple(getattr(getattr(layer, "static_padding", None), "padding", ()))
    more = {
        "stride": layer.stride[0] if layer.stride[0] != 1 else None,
        "groups": layer.groups if layer.groups != 1 else None,
        "around": around or None,
        "bias": True if layer.bias is not None else None,
    }
    named = [f"{name}={value}" for name, value in more.items() if value is not None]
    return f"Conv({', '.join([*map(str, parts), *named])})"


def _code(layer: nn.Module) -> str:
    """Return the Python code that makes this layer again: torch prints its arguments."""
    return f"nn.{layer!r}"
