"""One policy for weights of any origin: which tensors of a file belong to a network, under which
names, and what is refused.

checkpoint = read(Path("last.ckpt"))
checkpoint.fit(card.shapes, card.classifier).state   # under the network's names, float32

1. The content is read without executing anything (content.py); every tensor must be a plain array.
2. Masks and parametrizations are multiplied out (tensors.py).
3. Wrappers ("state_dict", Lightning, DataParallel) are prefixes of names and are removed key by
   key. If a network's names then occur more than once, the file holds several sets of weights: one
   is taken, the others are named.
4. Names of timm and of old files become those of the network; a head "fc.1" becomes "fc".
5. Counters and weights of a loss are ignored and listed. Everything else that does not fit is a
   problem.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.base.errors import BadFile, BadSpec
from core.base.numbers import size
from core.base.ram import free_ram_bytes
from core.base.text import first_few
from core.models.checkpoints.content import ALLOWED, load
from core.models.checkpoints.tensors import COUNTER, as_weights, check_layout, fold, types
from core.models.checkpoints.timm_names import renamed

State = dict[str, Tensor]
Shapes = Mapping[str, tuple[int, ...]]
NAMED = 5  # names listed for each kind of problem; the others are only counted
FLOAT_BYTES = 4
# What wraps or precedes the names of a network's tensors.
SILENT = ("state_dict", "model_state_dict", "module", "_orig_mod", "_forward_module")  # not part of a set's name
TOKENS = (
    *SILENT,
    *("model", "net", "network", "weights", "params", "state", "model_state", "backbone", "encoder", "base_model"),
)
EMA = re.compile(r"(.*_)?(ema|swa|averaged)(_.*)?")
ASIDE = re.compile(r"optim|sched|scaler|rng|callback|loops|hparam|hyper_param|args|config|criterion", re.I)
# Tensors that are no part of the network's function.
STRAY = re.compile(
    r"(.*\.)?(loss|criterion|metrics?|\w*_loss|loss_\w*|\w*_?(acc|accuracy|auroc|f1)|(train|val|valid|test)_\w+)\..*"
    r"|(.*\.)?(total_ops|total_params|n_averaged|epoch|global_step|scale|zero_point)"
    r"|(.*\.)?(activation_post_process|fake_quant|weight_fake_quant|observer)\w*\..*"
    r"|aux\d\..*|AuxLogits\..*|aux_(head|classifier)\..*"
)
NORMALISATION = re.compile(r"(normali[sz]\w*|preprocess\w*)\.\w+|mean|std")
HEADS = ("fc", "head", "classifier", "linear", "last_linear", "head.fc", "output")
TIMM_NOTE = "Names of timm were mapped to torchvision's; networks that timm calls tf_ pad otherwise and do not fit."
OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Weights under a network's names. state: tensors, and those that do not belong to the network
    (see `problems`). sets: the sets of weights in the file, the one that was taken first. ignored:
    what was left out. notes: sentences on all that was done.
    """

    state: State
    sets: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(eq=False)
class _Group:
    """The tensors below one prefix. named: under the network's names. rest: the others. of_timm:
    whether names of timm were mapped.
    """

    path: tuple[str, ...]
    prefix: str
    named: State = field(default_factory=dict)
    rest: State = field(default_factory=dict)
    of_timm: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        return (*self.path, *filter(None, self.prefix.split(".")))

    @property
    def label(self) -> str:
        """The name of this set of weights for people: "model_ema"."""
        return ".".join(token for token in self.tokens if token not in SILENT) or "state_dict"

    @property
    def is_ema(self) -> bool:
        return any(EMA.fullmatch(token) for token in self.tokens)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The tensors of a file by wrapper and name, before a network is known. notes: sentences on
    what was multiplied out and left out.
    """

    name: str
    parts: Mapping[tuple[str, ...], State]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def fit(self, shapes: Shapes, classifier: str = "", chosen: str = "") -> Fitted:
        """Return the tensors under the names of a network.

        Args:
            shapes: of the network's tensors, by name. classifier: the weight of the layer that
            computes the logits; its number of classes may differ. chosen: the set of weights, by
            its name; by default the one that is no average.
        Raises:
            BadFile: tensors of the network are not finite or are integers. BadSpec: there is no
            such set.
        """
        groups = [group for path, tensors in self.parts.items() for group in _groups(path, tensors, shapes)]
        taken, others = _choose(groups, chosen, self.name)
        named = {name: values for group in taken for name, values in group.named.items()}
        rest = {name: values for group in taken for name, values in group.rest.items()}
        if classifier and classifier not in named:
            _take_head(named, rest, shapes, classifier)
        stray = [name for name, values in rest.items() if named and _is_stray(name, values)]
        sets = tuple(dict.fromkeys((taken[0].label, *(group.label for group in others))))
        paths = {group.path for group in (*taken, *others)}
        unused = [group for group in groups if group.path not in paths]
        wrappers = [name for group in unused for name in ([".".join(group.path)] if group.path else group.rest)]
        ignored = tuple(dict.fromkeys((*stray, *wrappers, *self.left_out)))
        foreign = {name: values for name, values in rest.items() if name not in stray}
        of_timm = (TIMM_NOTE,) * any(group.of_timm for group in taken)
        notes = (*_set_notes(taken[0], sets), *self.notes, *of_timm, *_more_notes(named, ignored, rest))
        return Fitted(state=_complete(self.name, named, shapes) | foreign, sets=sets, ignored=ignored, notes=notes)

    def strict(self, shapes: Shapes, what: str, next_step: str) -> State:
        """Return the tensors under the network's names, in their order.

        Raises BadFile, which lists everything that does not fit.
        """
        return strict(self.fit(shapes).state, shapes, what, next_step)


def read(source: Path | bytes, name: str = "") -> Checkpoint:
    """Read all tensors of a file of weights, or of its content.

    Args:
        name: of the file, in messages; defaults to that of the path.
    Raises:
        BadFile: missing, damaged or foreign, larger than memory, or it would run code; it holds no
        tensors, or some that are no plain arrays.
    """
    name = name or (source.name if isinstance(source, Path) else "The file")
    content = load(source, name)
    if not isinstance(content, Mapping):
        raise BadFile(f"{name} holds a {type(content).__name__}.", ALLOWED, "Save the network's state_dict.")
    parts, left_out = _collect(content)
    if not parts:
        keys = first_few([str(key) for key in content], NAMED)
        raise BadFile(
            f"{name} holds no tensors by name{f', only: {keys}' if keys else ''}.",
            ALLOWED,
            "Save the network's state_dict.",
        )
    needed = 0
    for key, values in (item for tensors in parts.values() for item in tensors.items()):
        check_layout(name, key, values)
        needed += values.numel() * FLOAT_BYTES
    if needed > free_ram_bytes():
        raise BadFile(
            f"{name} would take {size(needed)} in float32, more than the free memory of {size(free_ram_bytes())}.",
            "Weights are read into memory.",
            "Save only the network's state_dict, or use a machine with more memory.",
        )
    try:
        folded = {path: fold(tensors, name) for path, tensors in parts.items()}
    except RuntimeError as error:  # shapes that do not go together
        raise BadFile(
            f"{name} holds masks or norms that do not fit their weights ({str(error).splitlines()[0][:120]}).",
            ALLOWED,
            "Remove them in Python (prune.remove, remove_parametrizations), then save again.",
        ) from error
    return Checkpoint(
        name=name,
        parts={path: tensors for path, (tensors, _) in folded.items()},
        left_out=left_out,
        notes=tuple(note for _, notes in folded.values() for note in notes),
    )


def _collect(content: Mapping[Any, Any]) -> tuple[dict[tuple[str, ...], State], tuple[str, ...]]:
    """Sort the tensors of nested mappings by the names of the mappings; also return the names of
    what was left out.
    """
    parts: dict[tuple[str, ...], State] = {}
    left_out: list[str] = []
    waiting: list[tuple[tuple[str, ...], Mapping[Any, Any]]] = [((), content)]
    seen = {id(content)}
    for path, mapping in waiting:  # grows while it is read
        for key, values in mapping.items():
            if isinstance(values, Tensor):
                parts.setdefault(path, {})[str(key)] = values.detach()
            elif isinstance(values, Mapping) and not ASIDE.search(str(key)) and id(values) not in seen:
                seen.add(id(values))
                waiting.append(((*path, str(key)), values))
            elif not path or isinstance(values, Mapping):
                left_out.append(".".join((*path, str(key))))
    return parts, tuple(left_out)


def _groups(path: tuple[str, ...], tensors: State, shapes: Shapes) -> list[_Group]:
    """Split names into prefix and name of the network."""
    roots = {name.partition(".")[0] for name in shapes}
    split: dict[str, State] = {}
    for key, values in tensors.items():
        prefix, rest = _without_tokens(key, roots)
        split.setdefault(prefix, {})[rest] = values
    enough = len([name for name in shapes if not name.endswith(COUNTER)]) / 2
    groups = []
    for prefix, below in split.items():
        group = _named(path, prefix, below, shapes)
        if len(group.named) < enough and (more := _common_prefix(below, shapes, enough)):
            inner = {name.removeprefix(more): values for name, values in below.items() if name.startswith(more)}
            groups.append(_named(path, prefix + more, inner, shapes))
            below = {name: values for name, values in below.items() if not name.startswith(more)}
            group = _named(path, prefix, below, shapes)
        if below:
            groups.append(group)
    return groups


def _without_tokens(key: str, roots: set[str]) -> tuple[str, str]:
    """Split a name into known prefixes and the rest."""
    rest = key
    while True:
        token, dot, after = rest.partition(".")
        if not dot or token in roots or not (token in TOKENS or EMA.fullmatch(token)):
            return key.removesuffix(rest), rest
        rest = after


def _common_prefix(tensors: State, shapes: Shapes, enough: float) -> str:
    """Return an unknown prefix of most of the network's names; "" if there is none."""
    counts = Counter(name[: dot.end()] for name in tensors for dot in re.finditer(r"\.", name))
    matches = {
        prefix: len(_named((), prefix, {name.removeprefix(prefix): tensors[name] for name in tensors}, shapes).named)
        for prefix, count in counts.items()
        if count >= enough
    }
    best = max(matches, key=lambda prefix: matches[prefix], default="")
    return best if matches.get(best, 0) >= enough else ""


def _named(path: tuple[str, ...], prefix: str, tensors: State, shapes: Shapes) -> _Group:
    timm = renamed(tensors, shapes)
    group = _Group(path, prefix, of_timm=bool(timm))
    for name, values in tensors.items():
        new = timm.get(name) or OLD_DENSENET.sub(r"\1\2", name)
        shape = shapes.get(new)
        if name in timm and shape and values.numel() == torch.Size(shape).numel():
            values = values.reshape(shape)  # of a linear layer that timm writes as a convolution
        (group.named if shape is not None else group.rest)[new if shape is not None else name] = values
    return group


def _choose(groups: list[_Group], chosen: str, name: str) -> tuple[list[_Group], list[_Group]]:
    """Return the groups that make up one set of weights, the largest first, and further sets."""
    most = max(len(group.named) for group in groups)
    large = [group for group in groups if 2 * len(group.named) >= most]
    order = sorted(groups, key=lambda group: (group not in large, group.is_ema, -len(group.named), -len(group.rest)))
    if chosen:
        fitting = [group for group in order if chosen == group.label or (chosen.lower() == "ema" and group.is_ema)]
        if not fitting:
            labels = dict.fromkeys(group.label for group in order if group in large)
            raise BadSpec(
                f"{name} has no set of weights '{chosen}'.", f"It holds {', '.join(labels)}.", "Choose one of these."
            )
        order = [fitting[0], *(group for group in order if group is not fitting[0])]
    taken, others = [order[0]], []
    for group in order[1:]:
        known = {key for each in taken for key in each.named}
        if group in large and known & set(group.named):
            others.append(group)
        elif group.is_ema == order[0].is_ema and not known & set(group.named):
            if group.named or any(group.path == each.path for each in taken):
                taken.append(group)
        elif group.is_ema == order[0].is_ema:  # a second value of some tensors only
            again = {f"{group.prefix}{name}": values for name, values in group.named.items()}
            taken.append(_Group(group.path, group.prefix, rest=again))
    return taken, others


def _take_head(named: State, rest: State, shapes: Shapes, classifier: str) -> None:
    """Find the layer that computes the logits under another usual name, such as "fc.1": moves it
    from `rest` to `named` if exactly one layer fits.
    """
    home, inputs = classifier.removesuffix(".weight"), shapes[classifier][1:]
    roots = dict.fromkeys((home, home.rpartition(".")[0], *HEADS))
    pattern = re.compile(rf"(?:{'|'.join(re.escape(root) for root in roots if root)})((\.\d+)*)\.weight")
    layers = [name for name in rest if pattern.fullmatch(name)]
    if len(layers) != 1 or tuple(rest[layers[0]].shape[1:]) != inputs:
        return
    named[classifier] = rest.pop(layers[0])
    bias = f"{layers[0].removesuffix('weight')}bias"
    if bias in rest:
        named[f"{home}.bias"] = rest.pop(bias)


def _is_stray(name: str, values: Tensor) -> bool:
    """Return whether a tensor is a counter, or belongs to a loss or the preprocessing."""
    counts = values.ndim == 0 or not values.is_floating_point()
    return counts or STRAY.fullmatch(name) is not None or NORMALISATION.fullmatch(name) is not None


def _complete(name: str, named: State, shapes: Shapes) -> State:
    """Convert the network's tensors, and add counters that files from before torch 1.0 lack."""
    state = {key: as_weights(name, key, values) for key, values in named.items()}
    counters = {key: torch.tensor(0) for key in shapes if key.endswith(COUNTER) and key not in state}
    return {**state, **counters} if state else state


def _set_notes(taken: _Group, sets: tuple[str, ...]) -> tuple[str, ...]:
    averages = "averages over training (EMA)"
    if len(sets) > 1:
        kind = f", {averages}" if taken.is_ema else ""
        return (f"The file holds {len(sets)} sets of weights; this is '{sets[0]}'{kind}. Others: {some(sets[1:])}.",)
    return (f"The file holds only {averages}: '{sets[0]}'.",) if taken.is_ema else ()


def _more_notes(named: State, ignored: tuple[str, ...], rest: State) -> tuple[str, ...]:
    notes = []
    if kinds := types(named.values()):
        notes.append(f"Converted from {', '.join(kinds)} to float32.")
    if ignored:
        notes.append(f"Ignored in the file: {some(ignored)}.")
    if normal := [name for name in rest if NORMALISATION.fullmatch(name)]:
        notes.append(f"The file holds a normalisation of its input ({some(normal)}): check mean and deviation.")
    return tuple(notes)


def problems(state: State, shapes: Shapes) -> list[str]:
    """Return sentences on why the state dict does not fit the network; empty if it fits."""
    absent, foreign = [name for name in shapes if name not in state], [name for name in state if name not in shapes]
    wrong = [name for name in shapes if name in state and tuple(state[name].shape) != shapes[name]]
    found = []
    if absent:
        found.append(f"Missing: {some(absent)}.")
    if foreign:
        found.append(f"Not part of the network: {some(foreign)}.")
    if wrong:
        found.append(
            "Of another shape:"
            f" {some(f'{name} {_shape(state[name].shape)} instead of {_shape(shapes[name])}' for name in wrong)}."
        )
    return found


def some(names: Iterable[str]) -> str:
    """Join the first few names, and state how many more there are."""
    return first_few(list(names), NAMED)


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def strict(state: State, shapes: Shapes, what: str, next_step: str) -> State:
    """Return the state dict under the network's names, in their order.

    Raises BadFile, which lists everything that does not fit.
    """
    if found := problems(state, shapes):
        raise BadFile(
            f"{what}: the weights do not fit. {' '.join(found)}",
            "Names and shapes must be those of the network.",
            next_step,
        )
    return {name: state[name] for name in shapes}
