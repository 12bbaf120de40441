"""`python -m core sweep ...`: a grid of networks over a data set, and what it says."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from core.base.errors import BadSpec
from core.base.numbers import counted
from core.base.options import option
from core.base.text import SHOWN, whole_number
from core.cli.app import COMMON, COMPUTING, Common, Computing, group
from core.cli.console import Output
from core.cli.structure import FLAT, Flag
from core.cli.sweep_answers import export, known, open_sweep, show, spot
from core.cli.sweep_breaks import breaks, forgotten
from core.cli.writing import check_writable
from core.specs import DataSpec, whole
from core.specs.shares import one_of

if TYPE_CHECKING:
    from core.sweeps.cluster import Cluster
    from core.sweeps.estimate import Estimate

ASK_FROM_S, ASK_FROM_BYTES = 600.0, 1_000_000_000  # a larger sweep asks before it starts


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How a sweep is run."""

    runner: str = option("local", "local: this machine. ray: a cluster, see docs/scale.md.")
    processes: int = option(1, "local: processes that share the networks, one a GPU or one a core.")
    address: str = option(
        "", "ray: HOST:PORT of the cluster's head. By default RAY_ADDRESS, else the Ray of this machine."
    )
    gpus_per_network: float | None = option(
        None,
        "ray: share of a GPU for each network, such as 0.25. By default a whole one, or a CPU core if none is there.",
    )
    part: str = option("1/1", "Only a part of the networks, such as 3/20: the third of twenty machines' shares.")
    yes: Flag = option(False, "Start without asking, however long it will take.")
    estimate: Flag = option(False, "Only measure the first images and print what the sweep would cost.")


ONE = Workers()
KEPT = "Stopped. Every network and image that is done is kept; the same command goes on from there."
NETWORKS_KEPT = "Stopped. Every network that is done is kept; the same command goes on from there."
NOT_BEGUN = "Stopped before the sweep began; what earlier runs computed is kept."
RUNNERS = ("local", "ray")


def sweeps() -> App:
    """Create the commands of sweeps."""
    app = group("sweep", "Ask many networks about the images of a data set; a sweep is a YAML file.")
    for command in (run, write, show, spot, breaks, forgotten, export):
        app.command(command)
    app.command(known, name="list")
    return app


def run(
    name: str, /, *, workers: Annotated[Workers, FLAT] = ONE, common: Annotated[Computing, FLAT] = COMPUTING
) -> None:
    """Compute what a sweep still lacks. Ctrl-C keeps every network that is done.

    Args:
        name: of a known sweep (`sweep list`), or its YAML file.
    """
    from core.sweeps.processes import end_with_parent
    from core.sweeps.processes import run as run_processes

    end_with_parent()  # at once: what follows takes seconds to load
    from core.sweeps.cluster import run as run_cluster
    from core.sweeps.estimate import estimate
    from core.sweeps.known import find_sweep, keep, title_of

    part, processes = part_of(workers.part), whole(workers.processes, "number of processes", 1)
    cluster = _cluster(workers, common)
    check_writable(common.settings.folder)
    sweep, output = open_sweep(name, common), common.output
    if workers.estimate or (not output.as_json and not workers.yes):
        with output.progress("Measuring the first images", NOT_BEGUN):
            cost = estimate(sweep, part)
        output.say(asdict(cost), cost.text)
        if workers.estimate:
            return
        _ask(cost)
    keep(sweep.engine.roots, sweep.spec, title_of(find_sweep(name, sweep.engine.roots)))
    with output.progress("Networks", KEPT if cluster is None and processes == 1 else NETWORKS_KEPT):
        output.advance("Networks", 0, len(sweep.variants[part[0] - 1 :: part[1]]))
        if processes > 1:
            gpus = _gpus() if sweep.engine.device.type == "cuda" else 0
            words = ["sweep", "run", name, "--json", "--part", workers.part, *_options(common, gpus > 0)]
            done: set[str] = set()
            for line in run_processes(words, processes, gpus):
                if line["network"] in done:  # another process has said so
                    continue
                done.add(line["network"])
                _step(output, line | {"done": len(done)})
            return
        for step in sweep.run(part) if cluster is None else run_cluster(sweep, cluster, part):
            facts = {"network": step.variant.key, "done": step.done, "networks": step.networks}
            _step(output, facts | {"found": step.found, "seconds": round(step.seconds, 3)})
    if not output.as_json:
        output.say({}, f"`python -m core sweep show {name}` shows the means.")


def write(
    link: str,
    out: Path,
    /,
    *,
    data: Annotated[str, Parameter(help="Data set, folder or zip file; by default that of the link.")] = "",
    common: Annotated[Common, FLAT] = COMMON,
) -> None:
    """Write the sweep of a view of Explore as YAML.

    It asks about the view's network, pruned to every amount of its curve, and its heatmap.

    Args:
        link: the address of the view, in quotation marks.
        out: the YAML file to write.
    """
    from core.data.datasets import data_name
    from core.sweeps.address import read_address
    from core.sweeps.views import of_view
    from core.sweeps.written import to_yaml

    if os.path.exists(out):
        raise BadSpec(f"{out} exists already.", "A file is not overwritten.", "Choose another name, or delete it.")
    engine = common.engine()
    view = read_address(link, engine.catalogue)
    asked = DataSpec(name=data_name(data)) if data else view.data
    if asked is None:
        raise BadSpec("The image of this view belongs to no data set.", "", "Name one: --data FOLDER.")
    spec = of_view(engine, view.variant, view.cam, asked, view.images, view.reference)
    try:
        out.write_text(to_yaml(spec, f"The sweep of a view: {view.variant.model.key}, {view.variant.pruning.family}"))
    except OSError as error:
        raise BadSpec(f"{out} cannot be written ({error.strerror or error}).", "", "Choose another folder.") from error
    networks = counted(spec.networks, "network")
    common.output.say({"written": str(out), "networks": spec.networks}, f"Written: {out}, {networks}.")


def part_of(text: str) -> tuple[int, int]:
    """Read k/n. Raises BadSpec."""
    number, _, of = text.partition("/")
    part, parts = whole_number(number), whole_number(of)
    if part is None or parts is None or not 1 <= part <= parts:
        raise BadSpec(f"'{text[:SHOWN]}' is no part.", "A part is k/n with k from 1 to n.", "Say --part 3/20.")
    return part, parts


def _cluster(workers: Workers, common: Computing) -> Cluster | None:
    """Return the cluster to run on; None for this machine. Raises BadSpec, NoCluster."""
    from core.sweeps.cluster import Cluster, check_installed

    one_of(workers.runner, RUNNERS, "runner")
    if workers.runner == "ray":
        if workers.processes != 1:
            raise BadSpec("Ray starts its own processes.", "--processes is for the runner local.", "Omit --processes.")
        check_installed()
        return Cluster(settings=common.settings, address=workers.address, gpus=workers.gpus_per_network)
    if workers.address or workers.gpus_per_network is not None:
        raise BadSpec(
            "A sweep on this machine has no address and no GPUs per network.",
            "--address and --gpus-per-network are for the runner ray.",
            "Say --runner ray, or omit them.",
        )
    return None


def _ask(cost: Estimate) -> None:
    """Ask before a large sweep. Raises BadSpec if nobody can answer, or the answer is no."""
    if cost.seconds < ASK_FROM_S and cost.bytes < ASK_FROM_BYTES:
        return
    if not (sys.stdin.isatty() and input("Start it? [y/N] ").strip().lower() in ("y", "yes")):
        raise BadSpec(
            "The sweep was not started.", "A large sweep asks first.", "Say --yes to start it without asking."
        )


def _step(output: Output, facts: dict[str, Any]) -> None:
    text = f"{facts['network']}: " + ("found" if facts["found"] else f"{facts['seconds']:.1f} s")
    output.step(facts, text, (facts["done"], facts["networks"]))


def _options(common: Computing, on_gpus: bool) -> list[str]:
    """Return the options as words for another process; each is given a GPU of its own."""
    names = [each.name for each in fields(common) if each.name != "json" and not (on_gpus and each.name == "device")]
    given = {name: getattr(common, name) for name in names}
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()
