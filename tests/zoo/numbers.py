"""Numbers that a person writes into a field, a file, a command or a link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from core import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.errors import BadFile, BadSpec, SparsightError, UnknownName
from core.base.settings import parse_bytes
from core.cli.sweep import part_of
from core.data.load_picture import Pictures
from core.disk.files import Files
from core.engine import amounts
from core.engine.reference_text import read_reference
from core.models.catalogue import Catalogue
from core.models.class_names import read_classes
from core.models.input_checks import check_rule
from core.models.zoo import named
from core.specs.training import TrainSpec
from core.study.presets import PRESETS
from core.study.written import from_text, to_yaml
from core.sweeps.address import read_address
from core.sweeps.written import read_sweep
from pages.parts.common.address import PARAMETERS
from pages.parts.common.address_problems import problems
from pages.parts.common.parameters import Number, Parameter, said
from pages.parts.compare.view import OWN
from pages.parts.curves.study_view import PARAMETERS as CURVES
from pages.parts.home.demo import PARAMETERS as HOME
from pages.parts.lessons.facts import CONTROLS
from pages.parts.networks.fields import input_rule
from tests.zoo.case import Case

STRANGE = (
    *("nan", "inf", "-inf", "1e400", "1e999", "-", "", "0x10", "½", "²", "1,5", "1 2", "--1", "1e", "#"),
    *("9" * 309, "9" * 400, "9" * 5000, "-" + "9" * 400),
)
DIGITS_ONLY = [text for text in STRANGE if text != "1,5"]  # commas separate the amounts of a list
BY_PAGE: dict[str, dict[str, Parameter]] = {
    "Explore": PARAMETERS,
    "Compare": OWN,
    "Curves": CURVES,
    "Lessons": dict(CONTROLS),
    "Home": HOME,
}
CARD = named("thesis-cnn")
ONE_SHOT, LEVELS = PruningSpec.one_shot(0.0), PruningSpec.at_level(0)


def catalogue(folder: Path) -> Catalogue:
    return Catalogue(Files(folder))


def all_refused(read: Callable[[str], object], texts: Iterable[str], folder: Path) -> Iterable[str]:
    """None of them is taken, and every explanation is short; the last one is raised."""
    for text in texts:
        with pytest.raises(SparsightError) as caught:
            read(text)
        assert len(str(caught.value)) < 400
    raise caught.value


def links(folder: Path) -> Iterable[str]:
    """Every numeric parameter of every page names what it uses instead, which a widget can show."""
    lines: list[str] = []
    for known in BY_PAGE.values():
        for name, parameter in known.items():
            for text in STRANGE if isinstance(parameter, Number) else ():
                (line,) = problems({name: text}, known)
                assert len(line) < 200
                assert parameter.allows(parameter.parse([text]))
                lines.append(line)
    return lines


def written_otherwise(folder: Path) -> Iterable[str]:
    """What Python reads as a number is one in a link, too, and its link is the usual one."""
    number = Number(5, 0, 10)
    assert [number.parse([text]) for text in ("٣", "१", "+1", " 1 ", "1_0", "-0")] == [3, 1, 1, 1, 10, 0]
    assert said(Number(5.0, 0.0, 10.0, 0.1).parse(["-0"])) == "0"
    return ()


def one_key(folder: Path) -> Iterable[str]:
    """Every float of a spec that enters a key."""
    for zero in (-0.0, 0, 0.0):
        model = ModelSpec(seed=zero)  # type: ignore[arg-type]
        overrides = (("conv1.weight", zero),)
        pruning = PruningSpec.one_shot(zero, overrides=overrides, criterion="random", seed=zero)
        rates = ((zero, 1), (0.1, 2))
        training = TrainSpec(rates=rates, momentum=zero, weight_decay=zero, noise=zero, patience=zero, better=zero)
        assert {
            VariantSpec(model=model, pruning=pruning).key,
            ImageRef(noise=zero, noise_seed=zero).key,  # type: ignore[arg-type]
            DataSpec(noise=zero, noise_seed=zero).key,  # type: ignore[arg-type]
            CamSpec(target=zero).key,  # type: ignore[arg-type]
            training.key,
        } == {
            "thesis-cnn/mnist-55000/seed-0/one-shot/weight-global-random-s0-with(conv1.weight=0)/0.000000",
            "digits/0",
            "digits",
            "grad-cam@default>0",
            "sgd-steps-0x1_0.1x2-m0-wd0-b128",
        }
        levels = amounts.prunings("0", CARD, ONE_SHOT)
        assert {each.key for each in levels} == {PruningSpec.one_shot(zero).key}
    return ()


def one_pattern(folder: Path) -> Iterable[str]:
    assert PruningSpec.one_shot(granularity="02:04").key == PruningSpec.one_shot(granularity="2:4").key
    return ()


def sizes(field: str, text: str, folder: Path) -> Iterable[str]:
    check_rule(input_rule({"architecture": "resnet18", field: text}), 3)
    return ()


def in_link(name: str, folder: Path) -> Iterable[str]:
    def read(text: str) -> object:
        return read_address("/explore?" + urlencode({name: text, "byhand": "conv1"}), catalogue(folder))

    return all_refused(read, [text for text in STRANGE if text], folder)


def sweep_file(line: str, folder: Path) -> Iterable[str]:
    (folder / "sweep.yaml").write_text(f"models: [thesis-cnn]\n{line}\n")
    read_sweep(folder / "sweep.yaml")
    return ()


def a_study(line: str, folder: Path) -> Iterable[str]:
    text = to_yaml(PRESETS["class"].value())
    assert from_text(text).seed == 0
    from_text(text.replace("\nseed: 0", f"\n{line}"))
    return ()


def row(folder: Path) -> Iterable[str]:
    pictures = Pictures(folder)
    return all_refused(lambda text: pictures.get(ImageRef(name=text), CARD), STRANGE, folder)


def spec(make: Callable[[Any], object], folder: Path) -> Iterable[str]:
    """Numbers of Python that are none of the wanted kind."""
    for value in (float("nan"), float("inf"), -1, 10**5000, "1", True, None, [1]):
        with pytest.raises(BadSpec) as caught:
            make(value)
    raise caught.value


def percents(text: str) -> object:
    return amounts.prunings(text, CARD, ONE_SHOT)


def levels(text: str) -> object:
    return amounts.prunings(text, CARD, LEVELS)


def memory(text: str) -> object:
    return parse_bytes(text, "The memory")


def part(text: str) -> object:
    return part_of(f"{text}/{text}")


def in_json(text: str) -> object:
    return read_classes(f'{{"a": {text}}}')


def link(text: str, folder: Path) -> Iterable[str]:
    read_address(text, catalogue(folder))
    return ()


def reference(folder: Path) -> Iterable[str]:
    texts = [text for text in STRANGE if "," not in text and text]
    return all_refused(lambda text: read_reference(f"sparsity.{text}", VariantSpec(), catalogue(folder)), texts, folder)


CASES = (
    Case(
        "a link with nan, inf, 1e400, 0x10 or 5,000 digits as any number of any page",
        "the number is named, and what is used instead",
        links,
        "`level=9999999999999999999999999999999999999999...` cannot be used: it must be a whole number from 0 to 25.",
    ),
    Case("a link with +1, 1_0, ٣ or -0 as a number", "read as the number", written_otherwise),
    Case("-0 in place of 0, in any question", "the same question, with one key", one_key),
    Case("02:04 in place of 2:4", "the same pattern", one_pattern),
    *(
        Case(f"{what} as the input size of a network", f"refused: {why}", partial(sizes, "size", text), says, BadSpec)
        for what, text, why, says in (
            ("nan", "nan", "counted in whole pixels", "whole pixels"),
            ("inf", "inf", "counted in whole pixels", "whole pixels"),
            ("1e400", "1e400", "counted in whole pixels", "whole pixels"),
            ("٣ (3 in Arabic digits)", "٣", "it is too small", "8 to 1024 pixels"),
            ("a number of 5,000 digits", "9" * 5000, "counted in whole pixels", "whole pixels"),
            ("0x10", "0x10", "read as 0 x 10 pixels, which is too small", "0 x 10 pixels"),
            ("a word", "large", "it cannot be read", "cannot be read"),
        )
    ),
    Case(
        "a mean of 123.7 for values from 0 to 1",
        "refused: divide by 255",
        partial(sizes, "mean", "123.7, 116.3, 103.5"),
        "Divide both by 255",
        BadSpec,
    ),
    *(
        Case(f"{what} such as nan, ² or 5,000 digits", "refused, with its first 40 characters", ask, says, error)
        for what, ask, says, error in (
            ("amounts", partial(all_refused, percents, DIGITS_ONLY), "The amount", BadSpec),
            ("levels", partial(all_refused, levels, DIGITS_ONLY), "There is no level", BadSpec),
            ("a size of memory", partial(all_refused, memory, DIGITS_ONLY), "number of bytes", BadSpec),
            ("a part k/n of a sweep", partial(all_refused, part, STRANGE), "A part is k/n", BadSpec),
            ("a row of the digits", row, "There is no embedded digit", BadSpec),
            ("a number of images in a link of a sweep", partial(in_link, "sweep"), "no number of images", BadSpec),
            ("a layer's own amount in a link", partial(in_link, "amount.conv1"), "share from 0 to 1", BadSpec),
            ("a seed in a link", partial(in_link, "seed"), "' of these weights.", UnknownName),
            ("a sparsity of a reference", reference, "no sparsity of a reference", BadSpec),
            ("the numbers of classes in JSON", partial(all_refused, in_json, STRANGE), "classes", BadSpec),
        )
    ),
    Case(
        "a number of 5,000 digits in the file of a sweep",
        "refused, with the reason",
        partial(sweep_file, f"seed: {'9' * 5000}"),
        "is not YAML",
        BadFile,
    ),
    Case(
        "a date in a 13th month in the file of a sweep",
        "refused",
        partial(sweep_file, "seed: 2026-13-01"),
        "month",
        BadFile,
    ),
    Case(
        "a number of 5,000 digits in a study", "refused", partial(a_study, f"seed: {'9' * 5000}"), "not YAML", BadSpec
    ),
    Case("a seed of .nan in a study", "refused", partial(a_study, "seed: .nan"), "seed of nan", BadSpec),
    Case(
        "a link that begins with http://[", "refused", partial(link, "http://[::1/explore?level=3"), "no view", BadSpec
    ),
    *(
        Case(f"NaN, -1, 10**5000, a text or None as a {what}", "refused", partial(spec, make), says, BadSpec)
        for what, make, says in (
            ("sparsity", PruningSpec.one_shot, "sparsity"),
            ("level", PruningSpec.at_level, "level"),
            ("seed", lambda value: ModelSpec(seed=value), "seed"),
            ("noise", lambda value: DataSpec(noise=value), "noise"),
            ("learning rate", lambda value: TrainSpec(rates=((value, 1),)), "learning rate"),
            ("number of epochs", lambda value: TrainSpec(rates=((0.1, value),)), "number of epochs"),
        )
    ),
)
