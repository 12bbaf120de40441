"""Weights that Sparsight cannot prune: those of layers other than Conv2d and Linear."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import nn
from torch.nn.utils import parametrize

from core.base.numbers import percent
from core.base.text import first_few

NAMED = 3  # in a note
KINDS: dict[type[nn.Module], str] = {
    nn.modules.conv._ConvTransposeNd: "a transposed convolution",
    nn.Conv1d: "a convolution along one axis",
    nn.Conv3d: "a convolution along three axes",
    nn.Embedding: "an embedding",
    nn.EmbeddingBag: "an embedding",
    nn.RNNBase: "a recurrent layer",
    nn.RNNCellBase: "a recurrent layer",
    nn.MultiheadAttention: "projections of an attention layer",
    nn.Bilinear: "a bilinear layer",
}
COMPUTED = "its layer computes its weight from this one"
ORIGINALS = ("weight_orig", "weight_g", "weight_v")  # of masks, weight and spectral norms, as torch names them


def unprunable(network: nn.Module, prunable: Collection[str]) -> dict[str, str]:
    """Return why a weight is never pruned, by the name of each that is not among the prunable ones;
    biases, norms and other vectors are no weights.
    """
    return {
        name: _reason(network, name)
        for name, parameter in network.named_parameters()
        if name not in prunable and (parameter.ndim > 1 or name.rpartition(".")[2] in ORIGINALS)
    }


def note(reasons: Mapping[str, str], network: nn.Module) -> tuple[str, ...]:
    """Return a sentence on the weights that are never pruned; none if all can be."""
    if not reasons:
        return ()
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    share = percent(sum(sizes[name] for name in reasons) / sum(sizes.values()))
    named = first_few([f"{name} ({reason})" for name, reason in reasons.items()], NAMED)
    remedy = (
        " Remove masks and parametrizations first (prune.remove, remove_weight_norm, remove_parametrizations), and they"
        " can be pruned."
    )
    cure = remedy if COMPUTED in reasons.values() else ""
    return (f"{share} of its parameters are weights that Sparsight cannot prune, at any sparsity: {named}.{cure}",)


def _reason(network: nn.Module, name: str) -> str:
    home, _, own = name.rpartition(".")
    outer = home.partition(".parametrizations.")[0] if ".parametrizations." in home else home
    if outer.startswith("parametrizations."):
        outer = ""
    layer = network.get_submodule(outer)
    if parametrize.is_parametrized(layer) or own in ORIGINALS:
        return COMPUTED
    return next(
        (text for kind, text in KINDS.items() if isinstance(layer, kind)), f"a parameter of {type(layer).__name__}"
    )
