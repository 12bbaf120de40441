"""A short `repr` for results: a line with their numbers, without what arrays and tables hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")
MOST_ITEMS = 5  # of a tuple or mapping; more are only counted
MOST_CHARACTERS = 60  # of a text


def brief(kind: type[T]) -> type[T]:
    """Give a dataclass a short `repr`: arrays by their shapes, specs by their keys, results within
    a result by their names.
    """
    kind.__repr__ = _repr  # type: ignore[method-assign]
    return kind


def _repr(result: Any) -> str:
    parts = (f"{each.name}={_short(getattr(result, each.name))}" for each in fields(result) if each.repr)
    return f"{type(result).__name__}({', '.join(parts)})"


def _short(value: Any) -> str:
    shape = getattr(value, "shape", ())
    if shape:
        return f"<{type(value).__name__} of {' x '.join(map(str, shape))}>"
    if is_dataclass(value) and not isinstance(value, type):
        key = getattr(value, "key", None)
        return repr(key) if isinstance(key, str) else f"{type(value).__name__}(...)"
    if isinstance(value, str):
        return repr(value if len(value) <= MOST_CHARACTERS else f"{value[: MOST_CHARACTERS - 1]}…")
    if isinstance(value, Mapping | tuple | list):
        return _several(value)
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _several(values: Mapping[Any, Any] | tuple[Any, ...] | list[Any]) -> str:
    if len(values) > MOST_ITEMS:
        return f"<{type(values).__name__} of {len(values):,}>"
    if isinstance(values, Mapping):
        return f"{{{', '.join(f'{_short(name)}: {_short(value)}' for name, value in values.items())}}}"
    inside = ", ".join(map(_short, values))
    return f"[{inside}]" if isinstance(values, list) else f"({inside}{',' * (len(values) == 1)})"
