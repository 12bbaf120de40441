"""Your own networks: weights for a known architecture, kept on disk, or any module from a notebook.

`take_in` takes a state dict and the facts that it lacks (About), `take_in_smaller` a network that
was shrunk here (core/models/smaller.py). The model's name contains the first 16 digits of the
sha256 of both, so that results of different weights are never mixed up. `read_kept` reads them
after a restart. The catalogue of an engine lists them.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.base.errors import BadFile, BadSpec
from core.base.numbers import percent
from core.base.registry import Entry
from core.disk.files import Files
from core.disk.sparse import pack_sparse, unpack_sparse
from core.models.building import fill
from core.models.cards import Card, InputRule, State, Weights
from core.models.checkpoints.nearest import advice, recognise
from core.models.checkpoints.policy import problems, read, strict
from core.models.class_names import class_names, listed
from core.models.input_checks import adapted_rule, channel_note, check_rule
from core.models.modules import WEIGHTS, ModuleFacts, take_module
from core.models.smaller import Smaller, build
from core.results.pruning import FEWEST_ZEROS
from core.saliency.capture import capture, own_class
from core.specs import ModelSpec, VariantSpec

PREFIX = "own-"
FORMAT, FORMAT_SMALLER = 1, 2  # an older version refuses the second: it would build the full network
MODULE = f"{PREFIX}module-"
Named = Callable[[str], Card]  # the card of an architecture, by name
MOST_CLASSES = 100_000  # ImageNet's largest edition has 21,841


@dataclass(frozen=True, kw_only=True)
class About:
    """Facts about a network that its state dict does not hold.

    architecture: a registered model's name, or that of another CNN of torchvision. classes: their
    names, in the order of the outputs; numbered if empty. input: how an image becomes its input;
    None for the architecture's own. target_layer: "" for that of the architecture. title: shown to
    people; "" for one made from the architecture. weight_set: which of several sets of weights in
    the file, by its name there, or "ema"; "" for the one that is no average.
    """

    architecture: str
    classes: tuple[str, ...] = ()
    input: InputRule | None = None
    target_layer: str = ""
    title: str = ""
    weight_set: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", listed(self.classes))


def take_in(files: Files, weights: Path | bytes, about: About, named: Named, name: str = "") -> Entry[Card]:
    """Check your own weights and store them in the models folder, as safetensors. Known weights
    keep their title unless `about` has one.

    Args:
        weights: a .safetensors file or one written by torch.save(model.state_dict(), ...), or its
        content. named: returns the card of an architecture. name: of the file, in messages, and
        the title of a new network without one.
    Returns:
        the card, under the name of the new model.
    Raises:
        UnknownName: no such architecture. BadSpec: names, sizes or a layer do not fit.
        CacheNotWritable. BadFile: damaged, would run code, or of another network; the message lists
        what does not fit.
    """
    if "@" in about.architecture:
        raise BadSpec(
            f"{about.architecture} is a retrained network, not an architecture.",
            "Weights belong to an architecture; its classes and input are stated beside it.",
            f"Choose {about.architecture.partition('@')[0]}, and state classes and input.",
        )
    base = named(about.architecture)
    checkpoint = read(weights, name)
    fitted = checkpoint.fit(base.shapes, base.classifier, about.weight_set)
    about = _completed(about, base, fitted.state)
    card = _card(about, base)
    if problems(fitted.state, card.shapes):
        matches = recognise(checkpoint, named)
        strict(fitted.state, card.shapes, f"As a {about.architecture}", advice(matches, about.architecture))
    state = {name: fitted.state[name] for name in card.shapes}
    notes = (*channel_note(about.input, base.input), *fitted.notes, *zeros_note(card, state))
    return _stored(files, state, _Described(about, notes), base, Path(name).stem)


def take_in_smaller(files: Files, state: State, about: About, smaller: Smaller, named: Named) -> Entry[Card]:
    """Store a network that was shrunk here in the models folder, as safetensors.

    Args:
        state: its complete state dict on the CPU. about: complete, with classes and input. named:
        returns the card of an architecture.
    Returns:
        the card, under the name of the new model.
    Raises:
        BadSpec: the target layer gives no stack of maps any more. CacheNotWritable.
    """
    base = named(about.architecture)
    notes = (_smaller_note(smaller), *zeros_note(_card(about, base, smaller), state))
    return _stored(files, state, _Described(about, notes, smaller), base)


def change(files: Files, name: str, about: About, named: Named) -> Entry[Card]:
    """Give an own network in the models folder other facts: title, classes, input, target layer.

    With another title only, the network keeps its name. All other facts can change answers, so it
    becomes another network and the file of the old one is deleted.

    Raises:
        BadSpec: another architecture, or facts that do not fit. As `take_in`.
    """
    tensors, facts = files.load(file_key(name))
    before = _Described.read(facts, name)
    if about.architecture != before.about.architecture:
        raise BadSpec(
            f"These weights are of the architecture {before.about.architecture}.",
            "Its names and shapes belong to it.",
            f"Import the file again as {about.architecture}.",
        )
    base, state = named(about.architecture), unpack_sparse(tensors)[0]
    now = replace(before, about=_completed(about, base, state))
    if now.identity == before.identity:
        files.save(file_key(name), tensors, now.facts)
        return now.entry(name, base)
    entry = _stored(files, state, now, base)
    files.delete(file_key(name))
    return entry


@dataclass(frozen=True)
class _Described:
    """What the file of an own network says beside its weights."""

    about: About
    notes: tuple[str, ...]
    smaller: Smaller | None = None

    @property
    def identity(self) -> object:
        """All that can change an answer, but the weights."""
        about = replace(self.about, title="")
        return about if self.smaller is None else (about, self.smaller)

    @property
    def facts(self) -> dict[str, Any]:
        found = {"own": FORMAT, "about": asdict(self.about), "notes": self.notes}
        return found if self.smaller is None else found | {"own": FORMAT_SMALLER, "smaller": self.smaller.facts()}

    def entry(self, name: str, base: Card) -> Entry[Card]:
        card = _card(self.about, base, self.smaller)
        return _entry(name, self.about, replace(card, notes=(*card.notes, *self.notes)), self.smaller)

    @classmethod
    def read(cls, facts: dict[str, Any], name: str) -> _Described:
        """Read the facts of a file. Raises BadFile."""
        try:
            smaller = Smaller.read(facts["smaller"]) if facts["own"] == FORMAT_SMALLER else None
            return cls(_read_about(facts), tuple(map(str, facts.get("notes", ()))), smaller)
        except (KeyError, TypeError, ValueError) as error:
            raise _no_description(name, error) from error


def _stored(files: Files, state: State, described: _Described, base: Card, title: str = "") -> Entry[Card]:
    """Check that heatmaps can be made, and write the file of a network unless it exists.

    Args:
        title: of a network that has none.
    """
    _check_layer(_card(described.about, base, described.smaller), state)
    name = f"{PREFIX}{described.about.architecture}-{_digest(state, described.identity)}"
    kept = about_kept(files, name) if files.exists(file_key(name)) else None
    title = described.about.title or (kept.title if kept else title)
    described = replace(described, about=replace(described.about, title=title))
    if kept != described.about:
        files.save(file_key(name), pack_sparse(state, {}), described.facts)
    return described.entry(name, base)


def about_kept(files: Files, name: str) -> About:
    """Return the facts of an own network in the models folder. Raises as `read_kept`."""
    return _Described.read(files.facts(file_key(name)), name).about


def architecture_of(files: Files, name: str) -> str:
    """Return the architecture of a network: that of its file for an own one, that before the "@"
    for a retrained one.

    Raises BadSpec for a module of a notebook. Raises as `read_kept`.
    """
    if name.startswith(MODULE):
        raise BadSpec(
            "A module of a notebook has no architecture that a file could name.",
            "Its code lies in no file.",
            "Save its weights and add them with `Engine.add_model`.",
        )
    return _read_about(files.facts(file_key(name))).architecture if is_file(name) else name.partition("@")[0]


def smaller_of(files: Files, name: str) -> Smaller | None:
    """Return what makes a network smaller than its architecture; None for other networks."""
    facts = files.facts(file_key(name)) if is_file(name) else {}
    return Smaller.read(facts["smaller"]) if facts.get("own") == FORMAT_SMALLER else None


def full_builder(about: About, base: Card) -> Callable[[], nn.Module]:
    """Return the function that builds the full architecture with these classes and channels.

    Args:
        base: the card of the architecture.
    """
    return partial(_build, base, len(about.classes), (about.input or base.input).channels)


def _smaller_note(smaller: Smaller) -> str:
    return (
        f"Shrunk from {smaller.variant}: {smaller.removed:,} of {smaller.filters_before:,} filters of the full"
        " architecture are removed, and its outputs are the same."
    )


def zeros_note(card: Card, state: State) -> tuple[str, ...]:
    """State the share of zeros in the weights of a network that was pruned before."""
    total = sum(state[name].numel() for name in card.prunable)
    zeros = total - sum(int(state[name].count_nonzero()) for name in card.prunable)
    if zeros < FEWEST_ZEROS * total:
        return ()
    return (f"Already {percent(zeros / total)} sparse: {zeros:,} of its {total:,} prunable weights are exactly zero.",)


def read_kept(files: Files, name: str, named: Named) -> Entry[Card]:
    """Read the card of an own network in the models folder.

    Raises BadFile if it is damaged or of another version; otherwise as `take_in`.
    """
    described = _Described.read(files.facts(file_key(name)), name)
    try:
        return described.entry(name, named(described.about.architecture))
    except (KeyError, TypeError, ValueError) as error:
        raise _no_description(name, error) from error


def _no_description(name: str, error: Exception) -> BadFile:
    return BadFile(
        f"The file of {name} does not describe its network ({error}).",
        "The description is written when weights are added.",
        "Add the weights again.",
    )


def kept_names(files: Files) -> list[str]:
    """Return the names of the own networks in the models folder."""
    names = dict.fromkeys(key.split("/")[0] for key in files.keys(PREFIX))
    return [name for name in names if is_file(name) and files.exists(file_key(name))]


def is_file(name: str) -> bool:
    """Return whether the name is that of an own network in the models folder."""
    return name.startswith(PREFIX) and not name.startswith(MODULE) and "@" not in name


def architecture_in(name: str) -> str:
    """Return the architecture in the name of an own network in the models folder."""
    return name.removeprefix(PREFIX).rpartition("-")[0]


def file_key(name: str) -> str:
    """Return the key of an own network's file."""
    return VariantSpec(model=ModelSpec(name=name, weights=WEIGHTS, seed=0)).key


def from_module(module: nn.Module, facts: ModuleFacts) -> Entry[Card]:
    """Make the entry of any PyTorch module, for as long as the notebook runs: its code cannot be
    stored.

    The name contains a digest of everything that can change an answer: weights, facts, the code of
    its classes, and its output for a fixed image, gradients included.

    Args:
        module: maps images (N, channels, H, W) to logits (N, C), or to an output that holds them; a
            copy of it is used.
    Raises:
        as `modules.take_module`.
    """
    taken = take_module(module, facts)
    captured, state = taken.captured, taken.network.state_dict()
    answers = {"logits": captured.logits, "activations": captured.activations, "gradients": captured.gradients}
    digest = _digest(state | answers, (facts, _code(taken.network)))
    kind = type(taken.network).__name__
    summary = f"{kind} from a notebook, {len(taken.card.classes)} classes."
    return Entry(f"{MODULE}{digest}", taken.card, facts.title, summary, "a person's own", {"own": "module"})


def _code(module: nn.Module) -> str:
    """Return a digest of the compiled methods of the classes of a module and its submodules."""
    digest = hashlib.sha256(repr(module).encode())
    for part in module.modules():
        for cls in type(part).__mro__:
            if cls.__module__.partition(".")[0] != "torch":
                methods = [getattr(each, "__code__", None) for each in vars(cls).values()]
                digest.update(b"".join(marshal.dumps(code) for code in methods if code))
    return digest.hexdigest()


def completed_card(about: About, base: Card, state: State) -> Card:
    """Return the card of weights; what `about` omits is the architecture's or found in the weights.

    Raises BadFile, BadSpec: classes or channels that cannot be.
    """
    return _card(_completed(about, base, state), base)


def _card(about: About, base: Card, smaller: Smaller | None = None) -> Card:
    rule = about.input or base.input
    full = full_builder(about, base)
    weights = Weights(summary="weights of your own", origin="a file of your own")
    if smaller is not None:
        summary = f"those of {smaller.title}, without the filters that pruning emptied"
        weights = Weights(summary=summary, origin=smaller.origin, licence=smaller.licence)
    return Card(
        build=full if smaller is None else partial(build, full, smaller),
        target_layer=about.target_layer or base.target_layer,
        input=rule,
        classes=about.classes,
        weights={WEIGHTS: weights},
        classifier=base.classifier,
        images=base.images,
        notes=base.notes,
    )


def _build(base: Card, classes: int, channels: int) -> nn.Module:
    """Build the architecture with this many outputs and channels of its input."""
    network = base.build()
    name = base.classifier.removesuffix(".weight")
    layer = network.get_submodule(name)
    if isinstance(layer, nn.Linear) and layer.out_features != classes:
        network.set_submodule(name, nn.Linear(layer.in_features, classes, bias=layer.bias is not None))
    if isinstance(layer, nn.Conv2d) and layer.out_channels != classes:
        network.set_submodule(name, _convolution(layer, layer.in_channels, classes))
    stem = network.get_submodule(_stem(base))
    if isinstance(stem, nn.Conv2d) and stem.in_channels != channels:
        network.set_submodule(_stem(base), _convolution(stem, channels, stem.out_channels))
        if hasattr(network, "transform_input"):  # rescales three channels
            network.transform_input = False  # type: ignore[assignment]
    return network


def _convolution(layer: nn.Conv2d, channels: int, outputs: int) -> nn.Conv2d:
    sizes: dict[str, Any] = {field: getattr(layer, field) for field in ("kernel_size", "stride", "padding", "dilation")}
    return nn.Conv2d(channels, outputs, bias=layer.bias is not None, **sizes)


def _stem(base: Card) -> str:
    """Return the name of the first convolution, which reads the image."""
    modules = base.skeleton.named_modules()
    return next(name for name, module in modules if isinstance(module, nn.Conv2d) and module.groups == 1)


def _completed(about: About, base: Card, state: State) -> About:
    """Add a name for each class, and an input for the channels of the first convolution. The
    weights of the layer that computes the logits give the number of classes.
    """
    head, stem = state.get(base.classifier), state.get(f"{_stem(base)}.weight")
    channels = stem.shape[1] if stem is not None and stem.ndim == 4 else base.input.channels
    rule = about.input or (adapted_rule(base.input, channels) if channels != base.input.channels else None)
    check_rule(rule, channels)
    count = len(head) if head is not None and head.ndim else len(about.classes) or len(base.classes)
    if count > MOST_CLASSES:
        raise BadFile(
            f"The weights are of {count:,} classes.",
            f"A network may have up to {MOST_CLASSES:,}.",
            "Choose the weights of an image classifier.",
        )
    names = about.classes or (base.classes if count == len(base.classes) else ())
    return replace(about, classes=class_names(names, count), input=rule)


def _check_layer(card: Card, state: State) -> None:
    """Check with one pass that the target layer returns a stack of maps for an image of this size.

    Raises UnknownName or BadSpec.
    """
    network = card.blank()
    fill(network, state)
    try:
        capture(network, card.target_layer, torch.zeros(1, *card.input_shape), own_class)
    except (RuntimeError, IndexError) as error:
        raise BadSpec(
            f"The network does not accept images of {card.input_px[0]} x {card.input_px[1]} pixels "
            f"({str(error).splitlines()[0][:120]}).",
            "The input must have the size that the weights expect.",
        ) from error


def _digest(state: State, about: Any) -> str:
    digest = hashlib.sha256(repr(about).encode())
    for name in sorted(state):
        digest.update(name.encode() + state[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _entry(name: str, about: About, card: Card, smaller: Smaller | None = None) -> Entry[Card]:
    title = about.title or f"{about.architecture}, your own weights"
    summary = f"Your own weights of {about.architecture}, {len(about.classes)} classes."
    if smaller is not None:
        summary = f"Shrunk from {smaller.variant}, {smaller.removed:,} of {smaller.filters_before:,} filters removed."
    return Entry(name, card, title, summary, "a person's own", {"own": "weights"})


def _read_about(facts: dict[str, Any]) -> About:
    if facts["own"] not in (FORMAT, FORMAT_SMALLER):
        raise BadFile("Written by another version.")
    found = dict(facts["about"])
    rule = found.pop("input")
    listed = ("size_px", "mean", "std", "value_range")
    tuples = {name: tuple(rule[name]) for name in listed if name in rule} if rule else {}
    return About(**found | {"classes": tuple(found["classes"]), "input": InputRule(**rule | tuples) if rule else None})
