"""Commands for networks without the channels that pruning emptied: `shrink` saves one as a network
of its own, `forget` deletes it, `export` writes any network as files that run without Sparsight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from core.base.numbers import size
from core.base.options import option, required
from core.base.text import Part, Rows
from core.cli.app import COMMON, COMPUTING, Common, Computing
from core.cli.questions import Network, Pruned
from core.cli.structure import FLAT, Flag

if TYPE_CHECKING:
    from core.portable.export import Exported

PRUNED, NETWORK = Pruned(), Network()


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Options of `shrink`."""

    title: str = option("", "Its title in the list of networks. By default the network's and what was removed.")


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of `export`."""

    out: Path = required("A new folder, or a file that ends in .zip.")
    smaller: Flag = option(False, "Without the channels that pruning emptied. By default its zeros stay in place.")
    formats: tuple[str, ...] = option(
        ("pt2", "onnx"), "Programs beside the weights and network.py: pt2 (torch.export), onnx."
    )


SAVING = Saving()


def shrink(
    *,
    network: Annotated[Pruned, FLAT] = PRUNED,
    saving: Annotated[Saving, FLAT] = SAVING,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Save a pruned network, without the channels that pruning emptied, as a network of its own."""
    engine = common.engine()
    variant = network.variant(engine.catalogue)
    model = engine.save_smaller(variant, saving.title)
    before, after = engine.card(variant.model).parameters, engine.card(model).parameters
    title = engine.catalogue.title(model)
    facts = {"model": model.name, "title": title, "parameters_before": before, "parameters": after}
    text = f"{title}\n{model.name}\n{after:,} of {before:,} parameters are left; its outputs are the same."
    common.output.say(facts, text)


def forget(
    model: Annotated[str, Parameter(help="A network of your own, such as own-squeezenet1_1-0123456789abcdef.")],
    /,
    *,
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Delete a network of your own from this machine."""
    engine = common.engine()
    title = engine.catalogue[model].title if model in engine.catalogue else model
    engine.catalogue.remove(model)
    common.output.say({"deleted": model}, f"Deleted: {title}")


def export(
    *,
    network: Annotated[Network, FLAT] = NETWORK,
    options: Annotated[ExportOptions, FLAT],
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Write a network as files that run without Sparsight: weights, Python, torch.export, ONNX."""
    from core.portable.export import export_network, export_zip

    engine, output = common.engine(), common.output
    asked = (engine, network.variant(engine.catalogue))
    more: dict[str, Any] = {"smaller": options.smaller, "formats": options.formats}
    with output.progress("Writing and checking"):
        more["progress"] = partial(output.advance, "Writing and checking")
        if options.out.suffix == ".zip":
            done = export_zip(*asked, options.out, **more)
        else:
            done = export_network(*asked, options.out, **more)
    facts = {name: done.facts[name] for name in ("title", "network", "counts", "files", "left_out")}
    output.say(facts | {"written": str(options.out)}, [*_text(done), f"Written: {options.out}"])


def _text(done: Exported) -> list[Part]:
    """Return what was written, with the difference of each program's outputs."""
    rows = [("file", "size", "outputs differ by at most")]
    for name, file in done.facts["files"].items():
        check = done.checks.get(name)
        rows.append((name, size(file["bytes"]), "" if check is None else f"{check.difference:.2g}"))
    one = [f"{name} takes one image at a time." for name, check in done.checks.items() if not check.any_batch]
    left = [f"{name} is left out: {reason}." for name, reason in done.left_out.items()]
    return [done.facts["title"], Rows(rows, (1,)), *one, *left]
