"""Shared parts of all commands: the application, its errors, and the options for device and
memory.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError

from core.base.errors import BadSpec, SparsightError
from core.base.options import option
from core.base.ram import shortage
from core.base.settings import Settings
from core.cli.console import NOT_KEPT, Output, console
from core.cli.errors import Misuse, check_values, explain, help_line, unknown_command
from core.cli.structure import PARAMETERS, Flag

if TYPE_CHECKING:
    from core.engine.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Common:
    """Options of every command."""

    json: Flag = option(False, "Print JSON, for machines.")
    device: str | None = option(None, "cpu, cuda, cuda:0. By default SPARSIGHT_DEVICE, else the GPU if there is one.")
    folder: Path | None = option(
        None, "Where networks and caches are written. By default SPARSIGHT_CACHE, else models_cache."
    )
    plugins: str | None = option(
        None,
        "Python files that register networks and methods, separated as in PATH. They are run. By default "
        "SPARSIGHT_PLUGINS.",
    )

    def load_plugins(self) -> None:
        """Load the plugins; say what is wrong with one, and go on without it. Raises BadSpec."""
        if not (paths := self.settings.plugins):
            return
        from core.base.plugins import load

        for error in (plugin.error for plugin in load(paths)):
            if error is not None:
                print("\n".join(("Warning: " + error.wrong, error.allowed, error.next_step)), file=sys.stderr)

    @property
    def settings(self) -> Settings:
        """Return the settings of the environment, overridden by the options. Raises BadSpec."""
        if self.folder is not None and not _can_be_folder(self.folder):
            raise BadSpec(
                f"{str(self.folder)[:120]!r} is not a folder.",
                "--folder must be a folder, where networks and caches are written.",
                "Choose another folder, or omit --folder.",
            )
        values = {name: getattr(self, name, None) for name in Settings.__dataclass_fields__}
        return Settings.from_environment().override(values, lambda name: f"--{name.replace('_', '-')}")

    def engine(self) -> Engine:
        """Create an engine with these settings."""
        from core.engine.engine import Engine  # imported late: --help must not wait for torch

        return Engine(settings=self.settings)

    @property
    def output(self) -> Output:
        """The output of the answer."""
        return Output(self.json)


@dataclass(frozen=True, kw_only=True)
class Computing(Common):
    """Options of commands that use an engine."""

    precision: str | None = option(
        None, "Precision of computation: float32, bfloat16, float16. By default SPARSIGHT_PRECISION, else float32."
    )
    device_bytes: str | None = option(
        None,
        "Memory for networks on the device, such as 2GB. By default SPARSIGHT_DEVICE_BYTES, else a share of the "
        "free memory.",
    )
    ram_bytes: str | None = option(
        None, "Memory for weights and indexes. By default SPARSIGHT_RAM_BYTES, else a share of the free memory."
    )
    disk_bytes: str | None = option(
        None, "Disk space for kept pruned networks. By default SPARSIGHT_DISK_BYTES, else 4GB."
    )


def _can_be_folder(path: Path) -> bool:
    """Return whether the path is a folder, or does not exist yet."""
    try:
        return path.is_dir() or not path.exists()
    except OSError:  # the name is too long
        return False


COMMON, COMPUTING = Common(), Computing()


def new_app(name: str, text: str) -> App:
    """Create an application without commands."""
    return App(
        name=name,
        help=text,
        version_flags=[],
        default_parameter=PARAMETERS,
        config=check_values,
        help_format="plaintext",
        help_formatter="default" if sys.stdout.isatty() else "plain",
        console=console(),
        print_error=False,
        exit_on_error=False,
        result_action="return_value",
    )


def group(name: str, text: str) -> App:
    """Create a command that only has subcommands."""
    return App(name=name, help=text, version_flags=[])


def run_command(build: Callable[[], App], words: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 1 for an explained error, 2 for an invalid
    command line, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if words is None else words
    try:
        status = call(build(), words)
        sys.stdout.flush()
        return status
    except SparsightError as error:
        return _fail(words, error)
    except KeyboardInterrupt as stopped:
        print(str(stopped) or NOT_KEPT, file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, for example `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        if short := shortage(error):
            return _fail(words, short)
        wrong = f"Sparsight failed: {type(error).__name__}: {error}"
        return _fail(words, SparsightError(wrong, "This is a bug in Sparsight.", "Run `python -X dev -m core ...`."))


def call(app: App, words: Sequence[str]) -> int:
    """Parse the command line and call the command. Raises Misuse, and what the command raises."""
    try:
        command, bound, _ = app.parse_args(list(words), print_error=False, exit_on_error=False)
    except CycloptsError as error:
        raise explain(app, error, words) from None
    if command.__name__ == "help_print" and not {"--help", "-h"} & set(words):
        raise Misuse(*unknown_command(app, "", words)[:2], help_line(app, words))
    bound.apply_defaults()
    for value in bound.arguments.values():
        if isinstance(value, Common):
            value.load_plugins()
    return command(*bound.args, **bound.kwargs) or 0


def _fail(words: Sequence[str], error: SparsightError) -> int:
    lines = [line for line in (error.wrong, error.allowed, error.next_step) if line]
    print(json.dumps({"error": lines}) if "--json" in words else "\n".join(lines), file=sys.stderr)
    return 2 if isinstance(error, Misuse) else 1
