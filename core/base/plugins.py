"""Plugins: Python files of the operator's that register networks, data sets, measures, criteria or
heatmap methods with the same registries as Sparsight's own modules.

A plugin is run once in each process, as a module. It is code that the person who starts Sparsight
names, with --plugins or SPARSIGHT_PLUGINS; nothing that a visitor, a link or a stored file says is
ever run. Nothing that a plugin with an error has registered remains.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

from core.base.atomic import replacing
from core.base.errors import SparsightError
from core.base.registry import CORE, Line, Record, RegisteredTwice, recorded

# Modules that hold the registries, or register for others: a plugin finds them complete.
FIRST = (
    "core.models.zoo",
    "core.data.downloads",
    "core.data.gallery",
    "core.evaluation.columns",
    "core.pruning.scores",
    "core.saliency.external",
    "core.saliency.baselines",
)
MODULE = "sparsight_plugin_"
SUFFIX = ".py"
DIGITS = 16


class BadPlugin(SparsightError):
    """A plugin cannot be used: the file is missing, or its code raises an error."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that was run in this process.

    digest: of its code and that of the modules that it imports from its own folder. sources: that
    code, by its place below the folder. names: what it registered, such as "model resnet18-half".
    error: why it cannot be used; it has then registered nothing.
    """

    path: Path
    digest: str = ""
    sources: Mapping[str, bytes] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    error: BadPlugin | None = None


_LOADED: dict[Path, Plugin] = {}
_BESIDE: dict[str, Path] = {}  # files of modules that plugins imported from their own folders, by name
_LOADING = threading.RLock()


def joined(paths: Iterable[Path]) -> str:
    """Return the text that names these files."""
    return os.pathsep.join(map(str, paths))


def loaded() -> tuple[Plugin, ...]:
    """Return the plugins of this process, those with an error too."""
    return tuple(_LOADED.values())


def load(paths: Sequence[Path]) -> tuple[Plugin, ...]:
    """Run the plugins that this process has not run yet; return all of these.

    One with an error does not keep the others from being loaded; see `Plugin.error`.
    """
    with _LOADING:
        for path in map(_whole, paths):
            if path not in _LOADED:
                _LOADED[path] = _load(path)
        return tuple(_LOADED[path] for path in map(_whole, paths))


def load_plugins(*paths: Path | str) -> tuple[Plugin, ...]:
    """Load plugins in a notebook, before its first Engine. Raises BadPlugin for the first one with
    an error.
    """
    found = load([Path(path) for path in paths])
    for plugin in found:
        if plugin.error is not None:
            raise plugin.error
    return found


def unpack(plugin: Plugin, folder: Path) -> None:
    """Write the code of a plugin into a folder of another machine."""
    for name, content in plugin.sources.items():
        with replacing(folder / name) as part:
            part.write_bytes(content)


def _whole(path: Path) -> Path:
    return Path(path).expanduser().absolute()


def _load(path: Path) -> Plugin:
    for name in FIRST:
        import_module(name)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return _failed(path, f"The plugin {path} cannot be read ({reason}).", "A plugin is a Python file.")
    before = dict(sys.modules)
    with recorded() as record:
        try:
            _run(path, content)
            sources = {path.name: content} | _helpers(path.parent, before)
            digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:DIGITS]
            for registry, name in record:
                registry.stamp(name, digest)
            _check(record)
        except (Exception, SystemExit) as error:
            _undo(record, path)
            return _explained(path, error)
    names = tuple(f"{registry.noun} {name}" for registry, name in record)
    return Plugin(path=path, digest=digest, sources=sources, names=names)


def _run(path: Path, content: bytes) -> None:
    """Run the code that was read, not what the file holds a moment later."""
    module = ModuleType(_module_name(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # classes are found by the name of their module
    linecache.checkcache(str(path))
    with _importing_from(path.parent):
        exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let a plugin import modules beside it, before others of the same name, as a script does."""
    for name, path in _BESIDE.items():
        top = name.partition(".")[0]
        if not path.is_relative_to(folder) and ((folder / top).is_dir() or (folder / f"{top}{SUFFIX}").is_file()):
            sys.modules.pop(name, None)  # that of another plugin, which keeps it
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))  # for what its functions import later


def _module_name(path: Path) -> str:
    return MODULE + hashlib.sha256(str(path).encode()).hexdigest()[:DIGITS]


def _helpers(folder: Path, before: Mapping[str, ModuleType]) -> dict[str, bytes]:
    """Return the code of modules in the folder of a plugin, imported by this plugin or an earlier
    one of the same folder.
    """
    known, found = set(_BESIDE.values()), {}
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "")
        new = before.get(name) is not module or path in known
        if new and path.suffix == SUFFIX and path.is_relative_to(folder) and not name.startswith(MODULE):
            place = path.relative_to(folder)
            if not str(path).startswith(CORE) and "site-packages" not in place.parts:
                found[place.as_posix()], _BESIDE[name] = path.read_bytes(), path
    return found


class _Unusable(Exception):
    """What a plugin registered does not work. where: the line that registered it."""

    def __init__(self, what: str, where: Line, error: Exception) -> None:
        super().__init__(f"{what} does not work: {_said(error)}")
        self.where = where


def _check(record: Record) -> None:
    """Try what a plugin registered. Raises _Unusable."""
    for registry, name in record:
        if registry.check is not None:
            try:
                registry.check(registry[name])
            except Exception as error:
                raise _Unusable(f"the {registry.noun} '{name}'", registry.place(name), error) from error


def _undo(record: Record, path: Path) -> None:
    for registry, name in record:
        registry.withdraw(name)
    sys.modules.pop(_module_name(path), None)


def _explained(path: Path, error: BaseException) -> Plugin:
    if isinstance(error, RegisteredTwice):
        return _failed(path, str(error), "Each name is registered once.", "Choose another name")
    if isinstance(error, _Unusable):
        return _failed(path, f"The plugin {error.where}: {error}.")
    return _failed(path, f"The plugin {_line(path, error)}: {_said(error)}.")


def _said(error: BaseException) -> str:
    """Return what an error says, on one line."""
    if isinstance(error, SparsightError):
        return str(error).rstrip(".")
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(".: ")


def _line(path: Path, error: BaseException) -> str:
    """Return the file and line of an error: the innermost one in the plugin's folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(path)]
    beside = [frame for frame in frames if Path(frame.filename).parent == path.parent]
    lines = beside or own
    return str(Line(lines[-1].filename, lines[-1].lineno or 0)) if lines else str(path)


def _failed(path: Path, wrong: str, allowed: str = "", next_step: str = "Correct it") -> Plugin:
    rolled_back = "Nothing that it registered is used; other plugins are."
    allowed = " ".join(part for part in (allowed, rolled_back) if part)
    return Plugin(path=path, error=BadPlugin(wrong, allowed, f"{next_step}, then start Sparsight again."))
