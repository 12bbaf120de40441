"""What a network is compared with, as a parameter of the address: its own dense network, or another
one that core/engine/reference_text.py reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core import ModelSpec, SparsightError, VariantSpec
from core.engine.reference_text import DENSE, read_reference
from pages.parts.common import engine
from pages.parts.common.parameters import Choice, Several


@dataclass(frozen=True)
class ReferenceText(Choice):
    """A reference of a network. model: the network; its seed matters only for the titles."""

    model: ModelSpec = field(default_factory=ModelSpec, kw_only=True)

    def problem(self, text: str) -> str | None:
        return _problem(text, self.model)

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and not self.problem(value)


@dataclass(frozen=True)
class ReferenceTexts(Several):
    """Any number of references of a network."""

    model: ModelSpec = field(default_factory=ModelSpec, kw_only=True)

    def problem(self, text: str) -> str | None:
        return _problem(text, self.model)

    def allows(self, value: object) -> bool:
        return isinstance(value, list | tuple) and not any(_problem(each, self.model) for each in value)


def _problem(text: str, model: ModelSpec) -> str | None:
    try:
        read_reference(text, VariantSpec(model=model), engine.catalogue())
    except SparsightError as error:
        return f"{error.wrong} {error.allowed}"
    return None


def of_model(model: ModelSpec) -> ReferenceText:
    """Returns the parameter of a network."""
    return ReferenceText(DENSE, (DENSE,), model=model)
