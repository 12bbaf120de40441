"""Whatever stands for a number in a link ends in a value or in an explanation."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.base.errors import SparsightError
from core.models.catalogue import Catalogue
from core.specs import PruningSpec
from core.sweeps.address import DEFAULTS, read_address
from pages.parts.common.parameters import Number, said
from tests.zoo.numbers import BY_PAGE, STRANGE, catalogue

NUMBERS = [entry for known in BY_PAGE.values() for entry in known.values() if isinstance(entry, Number)]
TEXTS = some.one_of(
    some.text(max_size=40),
    some.floats().map(str),
    some.integers().map(str),
    some.sampled_from(STRANGE),
    some.text(some.characters(categories=["Nd", "No"]), max_size=12),  # digits of any script, fractions, powers
)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue(tmp_path_factory.mktemp("networks"))


@given(some.sampled_from(NUMBERS), TEXTS)
def test_a_page_reads_a_number_that_its_widget_can_show(number: Number, text: str) -> None:
    value = number.parse([text])
    assert number.allows(value)
    assert number.problem(text) or value == (int(text) if isinstance(number.step, int) else float(text))
    assert number.parse([said(value)]) == pytest.approx(value, rel=1e-5)  # type: ignore[list-item]


@given(some.dictionaries(some.sampled_from([*DEFAULTS, "amount.conv1", "class", "seed", "layer"]), TEXTS, max_size=3))
def test_a_link_becomes_a_sweep_or_is_explained(networks: Catalogue, parts: dict[str, str]) -> None:
    try:
        viewed = read_address("https://example.org/explore?" + urlencode({"byhand": "conv1"} | parts), networks)
    except SparsightError:
        return
    assert viewed.images is None or viewed.images > 0
    assert "nan" not in viewed.variant.key
    assert "-0." not in viewed.variant.key


@given(some.text(max_size=60))
def test_any_text_as_a_link_is_explained(networks: Catalogue, text: str) -> None:
    with pytest.raises(SparsightError):
        read_address(text, networks)


@given(some.floats(0, 1))
def test_the_two_zeros_and_equal_shares_have_one_key(share: float) -> None:
    spec = PruningSpec.one_shot(share)
    assert spec.key == PruningSpec.one_shot(round(share, 6) or -0.0).key
    assert PruningSpec.one_shot(spec.sparsity).key == spec.key
