"""Whether an input rule makes sense: the commonest error with weights of one's own is a wrong
preprocessing, which gives wrong answers instead of a message.
"""

from __future__ import annotations

import math
from dataclasses import replace

from core.base.errors import BadSpec
from core.base.text import SHOWN
from core.models.cards import InputRule
from core.specs.shares import one_of

LEAST_PX, MOST_PX = 8, 1024
CHANNELS = (1, 3, 4)
ORDERS = ("RGB", "BGR")
INTERPOLATIONS = ("bilinear", "bicubic")
RANGES = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))


def check_rule(rule: InputRule | None, channels: int | None) -> None:
    """Check an input rule; None is the architecture's own.

    Args:
        channels: that the network's first convolution reads; None if it is unknown.
    Raises:
        BadSpec: sizes, numbers or a range that cannot be meant.
    """
    if channels is not None and channels not in CHANNELS:
        raise BadSpec(
            f"The first convolution reads {channels} channels.",
            "Images have 1 channel (grey), 3 (RGB) or 4 (RGB and opacity).",
            "Choose the weights of a network for photographs.",
        )
    if rule is None:
        return
    check_is_rule(rule)
    _check_sizes(rule)
    _check_numbers(rule)
    if channels is not None and rule.channels != channels:
        raise BadSpec(
            f"The input has {rule.channels} channels, by its mean and deviation.",
            f"This network takes {channels}.",
            f"Give {channels} number{'s' * (channels > 1)} each.",
        )


def check_is_rule(rule: object) -> None:
    """Raise BadSpec for anything but an InputRule."""
    if not isinstance(rule, InputRule):
        raise BadSpec(
            f"The input {str(rule)[:SHOWN]} is no InputRule.",
            "It states size, mean and deviation of what the network was trained with.",
            "Write InputRule(size_px=(224, 224)), for example.",
        )


def _check_sizes(rule: InputRule) -> None:
    sizes = rule.size_px
    if not isinstance(sizes, tuple) or len(sizes) != 2:
        raise BadSpec(
            f"The input size {str(sizes)[:SHOWN]} is invalid.",
            "size_px is (height, width).",
            "Write (224, 224), for example.",
        )
    whole = (*sizes, *((rule.resize_px,) if rule.resize_px is not None else ()))
    if not all(isinstance(side, int) and LEAST_PX <= side <= MOST_PX for side in whole):
        crop = "" if rule.resize_px is None else f", cropped from {rule.resize_px}"
        raise BadSpec(
            f"This input is invalid: {sizes[0]} x {sizes[1]} pixels{crop}.",
            f"Sides must have {LEAST_PX} to {MOST_PX} pixels, in whole numbers.",
            "Use the size that the network was trained with.",
        )


def _check_numbers(rule: InputRule) -> None:
    groups = (rule.mean, rule.std, rule.value_range)
    are_numbers = all(isinstance(group, tuple) and all(isinstance(each, float) for each in group) for group in groups)
    if (
        not are_numbers
        or not len(rule.mean) == len(rule.std)
        or len(rule.mean) not in CHANNELS
        or not all(map(math.isfinite, (*rule.mean, *rule.std)))
        or not all(value > 0 for value in rule.std)
    ):
        raise BadSpec(
            f"This input is invalid: mean {rule.mean}, standard deviation {rule.std}, values {rule.value_range}.",
            "Each of one, three or four channels needs a mean and a positive deviation.",
            "Write as many numbers for one as for the other.",
        )
    one_of(rule.interpolation, INTERPOLATIONS, "interpolation")
    if rule.channel_order not in ORDERS or rule.value_range not in RANGES:
        raise BadSpec(
            f"This input is invalid: channels {rule.channel_order}, values {rule.value_range}.",
            f"Channels are {' or '.join(ORDERS)}; values 0 to 1, 0 to 255 or -1 to 1.",
            "Use those that the network was trained with.",
        )
    low, high = rule.value_range
    if any(not low <= value <= high for value in rule.mean):
        raise BadSpec(
            f"The mean {_listed(rule.mean)} lies outside the values from {low:g} to {high:g}.",
            "Mean and deviation have the units of the values.",
            "Divide both by 255, or choose values from 0 to 255." if max(rule.mean) > 1 else "Choose other values.",
        )
    if high == 255 and 0 < max(rule.mean) <= 1:
        raise BadSpec(
            f"The mean {_listed(rule.mean)} is nearly black for values from 0 to 255.",
            "Mean and deviation have the units of the values.",
            "Multiply both by 255, or choose values from 0 to 1.",
        )


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def adapted_rule(rule: InputRule, channels: int) -> InputRule:
    """Return the rule of an architecture for a first convolution of other channels: the average of
    its means and deviations for grey images, opacity as it is.
    """
    if channels == 1:
        grey = tuple(sum(values) / len(values) for values in (rule.mean, rule.std))
        return replace(rule, mean=grey[:1], std=grey[1:])
    mean, std = (rule.mean * 3)[:3], (rule.std * 3)[:3]
    more = channels - 3
    return replace(rule, mean=(*mean, *(0.0,) * more), std=(*std, *(1.0,) * more))


def channel_note(rule: InputRule | None, usual: InputRule) -> tuple[str, ...]:
    """Return a sentence on an input with other channels than the architecture's."""
    if rule is None or rule.channels == usual.channels:
        return ()
    kinds = {1: "grey images", 3: "colour images", 4: "colour images with a fourth channel, opaque everywhere"}
    return (f"Its first convolution was made for {kinds[rule.channels]}.",)
