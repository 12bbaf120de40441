"""Cost of a pruned network: parameters, multiply-adds, file sizes and measured time, before and
after physical removal.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.base.device import describe
from core.base.draws import torch_generator
from core.base.timing import seconds
from core.disk.sizes import file_bytes, sparse_bytes
from core.measures.multiply_adds import MultiplyAdds, multiply_adds, zeros
from core.models.cards import Card
from core.models.smaller import with_head
from core.pruning.coupling import CannotRemove
from core.pruning.structured import physical
from core.results import CostReport, Latency, RemovalReport
from core.specs import VariantSpec
from core.store.store import ModelStore

Name = TypeVar("Name", bound=Hashable)
ROUNDS, FEWEST_ROUNDS, ENOUGH_SECONDS = 30, 5, 10.0
TAIL = 0.05  # of the interval of a median time
NO_SPEED = (
    "Zeros in place save no time: a convolution multiplies by every weight, zero or not. Only physically removing "
    "channels makes the network faster."
)


def cost(store: ModelStore, variant: VariantSpec, measure: bool = False) -> CostReport:
    """Return the cost of this variant, before and after the channels that pruning emptied are
    removed.

    Args:
        measure: also time one image through the dense, the masked and the smaller network,
            alternately.
    Raises:
        as `ModelStore.borrow`.
    """
    card = store.catalogue.card(variant.model)
    example = example_input(card, store.device)
    with store.borrow(variant) as network:
        total, left = _sums(multiply_adds(network, example))
        small, removal, notes = _smaller(variant, network, example)
        report = CostReport(
            variant=variant,
            parameters=card.parameters,
            zeros=zeros(network),
            macs=total,
            macs_left=left,
            notes=notes,
            dense_file_bytes=file_bytes(network),
            sparse_file_bytes=sparse_bytes(network.state_dict(), card.prunable),
        )
    if small is not None and removal is not None:
        macs, macs_left = _sums(multiply_adds(small, example))
        report = replace(
            report,
            physical_parameters=removal.parameters_after,
            physical_zeros=zeros(small),
            physical_macs=macs,
            physical_macs_left=macs_left,
            physical_file_bytes=file_bytes(small),
            removed_channels=removal.removed_channels,
            largest_difference=removal.largest_difference,
        )
    if not measure:
        return report
    times = _in_turn(store, variant, small, example)
    return replace(
        report, dense_latency=times["dense"], latency=times["masked"], physical_latency=times.get("physical")
    )


def smaller(store: ModelStore, variant: VariantSpec) -> tuple[nn.Module, RemovalReport]:
    """Return the network without the channels that pruning emptied, and a report of the removal.

    Raises CannotRemove, and as `ModelStore.borrow`.
    """
    with store.borrow(variant) as network:
        small, report = physical(network, example_input(store.catalogue.card(variant.model), store.device))
    return with_head(small), report


def example_input(card: Card, device: torch.device) -> Tensor:
    """Return a random input of this network, (1, channels, H, W); counts and times do not depend on
    its content.
    """
    image = torch.rand(1, *card.input_shape, generator=torch_generator("example input"))
    return card.input(image.to(device))


def latencies(networks: Mapping[Name, nn.Module], example: Tensor | Mapping[Name, Tensor]) -> dict[Name, Latency]:
    """Time a pass of each network, alternately, so that all are subject to the same disturbances.

    The first round is a warm-up. Slow networks run fewer rounds, at least 5.

    Args:
        example: the input of all networks, or of each.
    """
    inputs = dict.fromkeys(networks, example) if isinstance(example, Tensor) else example
    times: dict[Name, list[float]] = {name: [] for name in networks}
    with torch.no_grad():
        for done in range(ROUNDS + 1):
            for name, network in networks.items():
                taken, given = times[name], inputs[name]
                taken.append(seconds(lambda network=network, given=given: network(given), given.device))  # type: ignore[misc]
            if done >= FEWEST_ROUNDS and sum(map(sum, times.values())) > ENOUGH_SECONDS:
                break
    return {name: _latency(taken[1:], inputs[name].device) for name, taken in times.items()}


def times(store: ModelStore, variants: Sequence[VariantSpec], batch: int = 1) -> dict[VariantSpec, Latency]:
    """Time a batch of images through each network as it is exported: without the channels that
    pruning emptied where they can be removed, else with its zeros in place.

    All networks are in memory at once and are measured alternately. Raises as
    `ModelStore.borrow`.
    """
    networks = {variant: _exported(store, variant) for variant in variants}
    cards = {variant: store.catalogue.card(variant.model) for variant in variants}
    examples = {variant: example_input(card, store.device).repeat(batch, 1, 1, 1) for variant, card in cards.items()}
    return latencies(networks, examples)


def _exported(store: ModelStore, variant: VariantSpec) -> nn.Module:
    """Return a copy of the network as it is exported. Its hooks are copied too, so it computes in
    the store's precision, and stops when its work is stopped.
    """
    example = example_input(store.catalogue.card(variant.model), store.device)
    with store.borrow(variant) as network:
        small, _, _ = _smaller(variant, network, example)
        return deepcopy(network) if small is None else small


def _latency(taken: list[float], device: torch.device) -> Latency:
    """low, high: by the order of the passes, so whatever their distribution."""
    p95 = float(np.quantile(taken, 0.95, method="inverted_cdf"))
    outside = _outside_median(len(taken))
    ordered = [1000 * each for each in sorted(taken)]
    return Latency(
        median_ms=1000 * statistics.median(taken),
        p95_ms=1000 * p95,
        n=len(taken),
        device=describe(device),
        low_ms=ordered[outside],
        high_ms=ordered[-1 - outside],
    )


def _outside_median(passes: int) -> int:
    """Return how many of the fastest passes, and of the slowest, an interval of the median leaves
    out: as many as keep 95 %.
    """
    chances = [math.comb(passes, fewer) / 2**passes for fewer in range(passes)]
    return max((out for out in range((passes + 1) // 2) if 2 * sum(chances[: out + 1]) <= TAIL), default=0)


def _in_turn(store: ModelStore, variant: VariantSpec, small: nn.Module | None, example: Tensor) -> dict[str, Latency]:
    if variant == variant.dense:
        with store.borrow(variant) as dense:
            taken = latencies({"dense": dense}, example)["dense"]
        return {"dense": taken, "masked": taken}
    with store.borrow(variant.dense) as dense, store.borrow(variant) as masked:
        return latencies({"dense": dense, "masked": masked} | ({"physical": small} if small else {}), example)


def _smaller(
    variant: VariantSpec, network: nn.Module, example: Tensor
) -> tuple[nn.Module | None, RemovalReport | None, tuple[str, ...]]:
    """Return the smaller network if there is one, the removal report and the notes."""
    if variant == variant.dense:
        return None, None, ()
    try:
        small, removal = physical(network, example)
    except CannotRemove as error:
        return None, None, (NO_SPEED, error.wrong)
    if not removal.layers:
        return None, removal, (NO_SPEED, "No whole channel is empty, so none can be removed.", *_staying(removal))
    note = (
        f"Channels whose output is zero or the same for every image: {removal.removed_channels:,}, in "
        f"{len(removal.layers)} layers. Removing them does not change the answers."
    )
    return small, removal, (NO_SPEED, note, *_staying(removal))


def _staying(removal: RemovalReport) -> Iterator[str]:
    """Yield one sentence for each reason why emptied channels stay."""
    for reason in dict.fromkeys(kept.reason for kept in removal.staying):
        count = sum(kept.channels for kept in removal.staying if kept.reason == reason)
        yield f"Emptied channels that cannot be removed: {count:,}, because {reason}."


def _sums(counted: Mapping[str, MultiplyAdds]) -> tuple[int, int]:
    return sum(layer.all for layer in counted.values()), sum(layer.left for layer in counted.values())
