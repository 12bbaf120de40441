"""The tables of the documents are those of the registries, their figures those of the included
networks and tables.

After adding a method: make tables
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bench import BENCHES
from bench.faults import CAMPAIGNS
from core import CamSpec, DataSpec, Engine, ImageRef, ModelSpec, PruningSpec, SparsightError, VariantSpec
from core.base.errors import BadFile, UnknownName
from core.base.settings import REPOSITORY, shipped_folder
from core.base.version import VERSION
from core.cli.main import main
from core.data.datasets import DATASETS
from core.measures import MEASURES
from core.models.zoo import MODELS, default_model, named
from core.protocols.googlenet import tables as googlenet_tables
from core.protocols.googlenet.interpretability import baselines, beside_accuracy, related
from core.protocols.googlenet.protocol import PRUNINGS, RETRAININGS
from core.protocols.googlenet.summary import percent
from core.protocols.lukkien.tables import found_studies, load_study
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from core.pruning import CRITERIA
from core.results import ELSEWHERE_BELOW, SAME_FROM, Verdict
from core.saliency import CAMS
from core.specs import SCOPES
from core.stats.intervals import wilson
from core.sweeps.floor import crossing, known_floor, per_image, question_of, similarities
from core.sweeps.read import differences
from core.sweeps.sweep import Sweep
from core.sweeps.written import read_sweep
from core.units.embeddings import SIMILARITIES
from core.units.included import unit_study
from core.units.read import summary
from core.units.relation import relations, trained
from docs.tables import fill
from docs.tables import tables as readme_tables
from pages.parts.compare.page import PLACES
from pages.parts.explore.typical import WHERE

README, DOCS = REPOSITORY / "README.md", REPOSITORY / "docs"
REFERENCE, PAPERS = DOCS / "reference.md", DOCS / "papers"
REGISTRIES = {
    "models": MODELS,
    "data sets": DATASETS,
    "criteria": CRITERIA,
    "CAM methods": CAMS,
    "measures": MEASURES,
    "benches": BENCHES,
    "campaigns": CAMPAIGNS,
}
PRUNING_NAMES = {
    "unstructured": "global unstructured",
    "filters": "whole filters, per layer",
    "connections": "kernels, per layer",
}
RETRAINING_NAMES = {"none": "not retrained", "one-shot": "one-shot", "iterative": "iterative"}
JUDGES = {"efficientnet-lite1": "EfficientNet-lite1", "pixels": "pixels"}
BLOCK = "before\n<!-- table: measures -->\nold\n<!-- end -->\nafter\n"


def test_the_reference_is_up_to_date() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert fill(text) == text, "run: make tables"


def test_the_reference_shows_every_table() -> None:
    assert re.findall("<!-- table: (.*) -->", REFERENCE.read_text(encoding="utf-8")) == list(readme_tables())


@pytest.mark.parametrize("table", REGISTRIES)
def test_a_table_has_a_row_for_every_entry(table: str) -> None:
    rows = [row for row in readme_tables()[table].splitlines() if row.startswith("| ")]
    # Those of this machine only.
    entries = [entry for entry in REGISTRIES[table].values() if not {"own", "retrained"} & set(entry.facts)]
    for entry in entries:
        (row,) = [row for row in rows if f"`{entry.name}` |" in row]
        assert entry.title in row
        assert entry.summary in row
        assert entry.source in row


def test_scopes_and_costs_are_said() -> None:
    tables = readme_tables()
    assert all(f"| `{scope}` |" in tables["criteria"] for scope in SCOPES)
    assert all(
        f"| {entry.facts['cost']} |"
        in next(row for row in tables["CAM methods"].splitlines() if f"`{entry.name}` |" in row)
        for entry in CAMS.values()
    )


@pytest.mark.parametrize("name", list(readme_tables()))
def test_every_row_has_as_many_cells_as_its_head(name: str) -> None:
    for part in readme_tables()[name].split("\n\n"):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in part.splitlines()}
        assert len(cells) == 1, part


def test_only_what_is_between_the_markers_changes() -> None:
    filled = fill(BLOCK)
    assert filled == f"before\n<!-- table: measures -->\n{readme_tables()['measures']}\n<!-- end -->\nafter\n"
    assert fill(filled) == filled


def test_blocks_side_by_side_stay_apart() -> None:
    filled = fill(BLOCK + BLOCK.replace("measures", "models"))
    assert filled == fill(BLOCK) + fill(BLOCK.replace("measures", "models"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (BLOCK.replace("measures", "measurs"), UnknownName),
        (BLOCK.replace("<!-- end -->", ""), BadFile),
        (BLOCK.replace("<!-- end -->", "") + BLOCK, BadFile),
        ("no table at all\n", BadFile),
    ],
)
def test_broken_markers_are_said(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        fill(text)


def test_verdicts_are_explained_with_their_thresholds() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    values = {
        Verdict.SAME: f"both at least {SAME_FROM}",
        Verdict.ELSEWHERE: f"both below {ELSEWHERE_BELOW}",
        Verdict.DISPUTED: f"one below {ELSEWHERE_BELOW}, the other at least {SAME_FROM}",
        Verdict.PARTLY: "anything else",
    }
    for verdict, condition in values.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {condition} |")]
        assert row.endswith(f" | {WHERE[verdict]} | {PLACES[verdict]} |")
    assert set(values) == set(WHERE) == set(PLACES) - {Verdict.UNKNOWN} == set(Verdict) - {Verdict.UNKNOWN}


@pytest.mark.long
@pytest.mark.timeout(900)  # half a minute on a quiet core, minutes on a busy one
def test_repair_of_batch_norm_is_what_the_command_answers(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within two photographs: rounding differs between processors."""
    text = " ".join((DOCS / "guide.md").read_text(encoding="utf-8").split())
    said = re.search(r"without and with it \(CPU\): \d+ and (\d+) at 30 %", text)
    assert said is not None
    data = f"folder:{real_data / 'imagenette-224-unseen.zip'}"
    words = ["evaluate", "--model", "efficientnet-lite0", "--sparsity", "0.3", "--repair", "batch-norm", "--data", data]
    assert main([*words, "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == 500
    assert found["correct"] == pytest.approx(int(said[1]), abs=2)


def test_the_course_of_soft_iou_is_the_shipped_tables() -> None:
    """It starts lower and peaks after the first six levels, as in the thesis, in every run."""
    text, engine = (PAPERS / "thesis.md").read_text(encoding="utf-8"), Engine("cpu")
    for weights, data in found_studies(engine.roots):
        mean = load_study(engine.roots, weights, data).mean_series()
        peak = mean.loc[mean.overlap.idxmax()]
        assert peak.level >= 6
        assert mean.overlap.iloc[0] < peak.overlap
        if weights == "mnist-60000":
            assert f"| {peak.overlap:.3f}, at level {peak.level}; {mean.overlap.iloc[0]:.3f} at level 0 |" in text


def test_levels_of_the_thesis_are_the_shipped_tables() -> None:
    text = " ".join((PAPERS / "thesis.md").read_text(encoding="utf-8").split())
    levels = load_study(Engine("cpu").roots, "mnist-60000", "mnist-test+noise-0.2-s0").levels
    thesis = levels[levels.series == "iterative-reset"]
    dense, mean = thesis[thesis.level == 0], thesis.groupby("level").mean(numeric_only=True)
    for column in ("accuracy_clean", "accuracy_noisy"):
        assert f"| {', '.join(f'{100 * value:.2f}' for value in dense[column])} % |" in text
    for level in (0, 10):
        assert f"| {mean.map_mean[level]:.3f}, {mean.map_std[level]:.3f} |" in text
    near = mean[mean.accuracy_noisy >= mean.accuracy_noisy[0] - 0.01].iloc[-1]
    assert f"down to level {near.name} ({percent(1 - near.density)} sparsity, {near.weights_left:.0f} weights)" in text
    assert f"At 98.0 % it is {percent(mean.accuracy_noisy[mean.weights_left == 46].item())}." in text


FLOORS = [
    ("Grad-CAM++ before the ReLU (the thesis)", CamSpec(method="grad-cam++", layer="conv2")),
    pytest.param("Grad-CAM++ after the ReLU", CamSpec(method="grad-cam++", layer="relu2"), marks=pytest.mark.long),
    pytest.param("Grad-CAM after the ReLU", CamSpec(method="grad-cam", layer="relu2"), marks=pytest.mark.long),
]


@pytest.mark.parametrize(("title", "cam"), FLOORS)
def test_where_pruning_falls_below_the_noise_floor_is_what_the_networks_answer(
    title: str, cam: CamSpec, tmp_path: Path
) -> None:
    text, engine = (PAPERS / "thesis.md").read_text(encoding="utf-8"), Engine("cpu", tmp_path)
    asked = question_of(engine, VariantSpec(), cam, DataSpec(noise=0.2))
    assert asked is not None
    for sweep in asked.sweeps(engine):
        assert list(sweep.run())
    floor, values = known_floor(engine, asked), per_image(engine, asked)
    assert floor is not None
    assert values is not None
    cells = [title, f"{floor.mean:.2f} [{floor.low:.2f}, {floor.high:.2f}]", str(floor.n)]
    for seed in floor.seeds:
        levels = Sweep(engine, asked.levels(engine, seed))
        assert list(levels.run())
        curve = np.stack([each for each in similarities(levels) if each is not None])
        found = crossing([engine.report(one).sparsity for one in levels.variants], curve, values.to_numpy())
        assert None not in (found.sparsity, found.low, found.high)
        cells.append("{:.1f} % [{:.1f}, {:.1f}]".format(*(100 * x for x in (found.sparsity, found.low, found.high))))
    assert f"| {' | '.join(cells)} |" in text


def test_two_minutes_say_what_happens() -> None:
    text, engine, digits = README.read_text(encoding="utf-8"), Engine("cpu"), DataSpec(noise=0.2)
    lite, coffee = default_model("efficientnet-lite0"), ImageRef(source="gallery", name="coffee")
    first = engine.compare(VariantSpec(model=lite, pruning=PruningSpec.one_shot(0.3)), coffee, CamSpec())
    assert first.agreement.verdict is Verdict.SAME
    assert f"(Grad-CAM {first.agreement.value:.2f}, Layer-CAM {first.agreement.second_value:.2f})" in text
    further = engine.compare(VariantSpec(model=lite, pruning=PruningSpec.one_shot(0.45)), coffee, CamSpec())
    assert f"The answer is now *{named(lite.name).classes[further.pruned.prediction.top]}*" in text
    assert further.agreement.verdict is Verdict.PARTLY
    image, thesis = ImageRef(name="3500"), CamSpec(method="grad-cam++", layer="conv2")
    disputed = engine.agreement(VariantSpec(pruning=PruningSpec.one_shot(0.7)), image, thesis)
    assert f"Grad-CAM++ moves ({disputed.value:.2f}), Grad-CAM does not ({disputed.second_value:.2f})" in text
    assert disputed.verdict is Verdict.DISPUTED
    cut = VariantSpec(pruning=PruningSpec.one_shot(0.9))
    assert not engine.compare(cut, image, CamSpec()).flipped
    assert f"of 5,000 digits only {percent(engine.accuracy(cut, digits).fraction)} are" in " ".join(text.split())
    assert f"are (all have background noise up to {digits.noise:g}, as in the thesis)" in " ".join(text.split())
    series = [VariantSpec(pruning=PruningSpec.at_level(level, "iterative-reset")) for level in range(26)]
    near = min(series, key=lambda each: abs(engine.report(each).sparsity - 0.9))
    read = percent(engine.accuracy(near, digits).fraction)
    said = f"At the nearest one, {percent(engine.report(near).sparsity)}, {read} are read correctly."
    assert said in text


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("run", ["merkle-layer", "merkle-global"])
def test_less_is_more_is_the_shipped_tables(run: str, seed: int) -> None:
    text, engine = (PAPERS / "less-is-more.md").read_text(encoding="utf-8"), Engine("cpu")
    place = Place(
        model=ModelSpec(name="squeezenet1_1@imagenette-128", weights=run, seed=seed), data_name="imagenette-224-unseen"
    )
    table = series_tables.load(engine.catalogue, place)
    rows = table.levels(["accuracy"]).sort_values("level")
    cells = (f"{100 * row.value:.1f} [{100 * row.low:.0f}, {100 * row.high:.0f}]" for row in rows.itertuples())
    assert f"| {' | '.join(cells)} |" in text
    gained, lost, _ = table.gained(1)
    assert f"{gained} and {lost} (p" in " ".join(text.split())


@pytest.mark.parametrize("baseline", ["centre-blob", "randomised-all"])
@pytest.mark.parametrize("measure", ["energy-inside", "deletion", "road-most"])
def test_less_is_mores_baselines_are_the_shipped_tables(baseline: str, measure: str) -> None:
    sweep = Sweep(Engine("cpu"), read_sweep(shipped_folder() / "sweeps" / "less-is-more-faithfulness.yaml"))
    found = differences(sweep, baseline)
    rows = found[(found.heatmap == "grad-cam") & (found.measure == measure)].sort_values("sparsity")
    cells = []
    for row in rows.itertuples():
        text = f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]".replace("-0.000", "0.000")
        cells.append(f"**{text}**" if row.low > 0 or row.high < 0 else text)
    assert f"| {' | '.join(cells)} |" in (PAPERS / "less-is-more.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("pruning", PRUNINGS)
@pytest.mark.parametrize("retraining", RETRAININGS)
def test_the_googlenet_study_is_the_shipped_tables(pruning: str, retraining: str) -> None:
    tables = googlenet_tables.load(Engine("cpu").roots, "squeezenet1_1@imagenette-128")
    rows = tables.series(pruning, retraining, 0)
    cells = (f"{100 * row.accuracy:.1f} [{100 * row.low:.0f}, {100 * row.high:.0f}]" for row in rows.itertuples())
    dense, *others = cells
    text = " ".join((PAPERS / "googlenet.md").read_text(encoding="utf-8").split())
    assert f"| {' | '.join(others)} |" in text
    assert f"the dense network classifies {dense.split()[0]} % correctly" in text


GOOGLENET = "googlenet@imagenette-96"


@pytest.mark.parametrize("pruning", ["unstructured", "filters", "connections"])
@pytest.mark.parametrize("retraining", RETRAININGS)
def test_googlenet_itself_is_the_shipped_tables(pruning: str, retraining: str) -> None:
    """Accuracy and score of each network; a dash where the run was stopped before."""
    tables = googlenet_tables.load(Engine("cpu").roots, GOOGLENET)
    rates = sorted({rate for rate in tables.levels.rate if rate > 0})
    levels = tables.levels[(tables.levels.pruning == pruning) & (tables.levels.retraining == retraining)]
    scored = beside_accuracy(tables)
    scored = scored[(scored.pruning == pruning) & (scored.retraining == retraining)].set_index("rate")
    accuracies = {
        row.rate: f"{100 * row.accuracy:.1f} [{100 * row.low:.0f}, {100 * row.high:.0f}]" for row in levels.itertuples()
    }
    name, text = PRUNING_NAMES[pruning], (PAPERS / "googlenet.md").read_text(encoding="utf-8")
    assert (
        f"| {name}, {RETRAINING_NAMES[retraining]} | {' | '.join(accuracies.get(rate, '–') for rate in rates)} |"
        in text
    )
    scores = [
        f"{scored.loc[rate, f'mis-{judge}']:.3f}" if rate in scored.index else "–"
        for rate in rates
        for judge in ("efficientnet-lite1", "pixels")
    ]
    cells = [f"{one} / {two}" if one != "–" else "–" for one, two in zip(scores[::2], scores[1::2], strict=True)]
    assert f"| {name}, {RETRAINING_NAMES[retraining]} | {' | '.join(cells)} |" in text


@pytest.mark.parametrize("similarity", ["efficientnet-lite1", "pixels"])
def test_the_papers_question_is_answered_from_the_shipped_tables(similarity: str) -> None:
    tables = googlenet_tables.load(Engine("cpu").roots, GOOGLENET)
    text = (PAPERS / "googlenet.md").read_text(encoding="utf-8")
    said, name = " ".join(text.split()), SIMILARITIES[similarity].title if similarity != "pixels" else "pixels"
    found = {(each.of, each.name, each.near_chance): each for each in related(tables, similarity)}
    for near_chance in (True, False):
        for kind in ("pearson", "spearman"):
            cells = []
            for of in ("sparsity", "right"):
                each = found[of, kind, near_chance]
                cell = f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]"
                cells.append(f"**{cell}**" if each.is_clear else cell)
            count = found["sparsity", kind, near_chance].n
            which = f"all {count}" if near_chance else f"{count} above twice chance"
            assert f"| {name} | {which} | {kind.title()} | {' | '.join(cells)} |" in text
    for what, value in baselines(tables, similarity).items():
        assert f"{what} {value:.3f}" in said, what
    rows = beside_accuracy(tables)
    near = rows[(rows.pruning != "untrained") & (rows.accuracy < 0.2)][f"mis-{similarity}"]
    assert (
        f"{len(near)} networks near chance score {near.mean():.3f} on average by {name}, at most {near.max():.3f}"
        in said
    )


@pytest.mark.parametrize("study", ["digits", "less-is-more"])
@pytest.mark.parametrize("similarity", ["efficientnet-lite1", "pixels"])
def test_interpretability_and_pruning_is_the_shipped_tables(similarity: str, study: str) -> None:
    rows, lines = summary(unit_study(study, Engine("cpu"))), (PAPERS / "googlenet.md").read_text(encoding="utf-8")
    found = [each for each in relations(rows, similarity, 10) if each.name == "spearman"]
    cells = []
    for each in found:
        text = f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]"
        cells.append(f"**{text}**" if each.is_clear else text)
    name, said = SIMILARITIES[similarity].title if similarity != "pixels" else "pixels", " ".join(lines.split())
    assert f"| {name} | all {found[0].n} | {cells[0]} | {cells[1]} |" in lines
    known, mis = trained(rows), f"mis-{similarity}"
    assert f"{rows[rows.weights == 'random'][mis].iloc[0]:.3f}" in said
    if study == "digits":
        assert f"| {name} | {found[2].n} above twice chance | {cells[2]} | {cells[3]} |" in lines
        near = known[known["share"] < 0.2]
        assert len(near) == 10
        assert f"{near[mis].mean():.3f}" in said
        assert f"{known[known.schedule == 'none'][mis].mean():.3f}" in said
        levels = known.groupby("level")[mis].mean()
        assert f"between {levels.min():.3f} and {levels.max():.3f} by {name}" in said
        overlap = known.groupby("level").overlap.mean()
        shares = [f"{overlap[level]:.0%}".replace("%", " %") for level in (1, 10, 20)]
        assert (
            f"{shares[0]} are still among the 20 strongest after the first level, {shares[1]} after the tenth" in said
        )
        assert f"{shares[2]} after the twentieth" in said
    elif similarity == "pixels":
        assert f"from {known[known.schedule == 'none'][mis].mean():.3f} to {known[mis].max():.3f}" in said
    else:
        assert f"{known[mis].min():.2f} to {known[mis].max():.2f} at every sparsity" in said


@pytest.mark.parametrize("study", ["squeezenet1_1", "efficientnet-lite0"])
def test_units_of_networks_of_1000_classes_are_the_shipped_tables(study: str) -> None:
    rows, text = summary(unit_study(study, Engine("cpu"))), (PAPERS / "googlenet.md").read_text(encoding="utf-8")
    said, title = " ".join(text.split()), {"squeezenet1_1": "SqueezeNet 1.1"}.get(study, "EfficientNet-lite0")
    assert (len(rows), set(rows["n"]), set(rows.tasks)) == (8, {2000}, {20})
    assert f"{rows.units.iloc[0]} units" in said
    assert rows.dead.sum() == 0
    for row in rows.itertuples():
        name = {"random": "untrained"}.get(row.weights, "dense" if row.schedule == "none" else f"{row.sparsity:.0%}")
        low, high = wilson(row.right, row.n)
        cells = [f"{100 * (row.right / row.n):.1f} [{100 * low:.0f}, {100 * high:.0f}]"]
        for judge in JUDGES:
            one = rows.loc[row.Index]
            cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*(one[f"{kind}-{judge}"] for kind in ("mis", "low", "high"))))
        cells.append("–" if name in ("untrained", "dense") else f"{row.overlap:.0%}".replace("%", " %"))
        assert f"| {title}, {name.replace('%', ' %')} | {' | '.join(cells)} |" in text
    for judge, called in JUDGES.items():
        found = {(each.of, each.name, each.near_chance): each for each in relations(rows, judge, 1000)}
        for near_chance, kind in product((True, False), ("pearson", "spearman")):
            both = [found[of, kind, near_chance] for of in ("sparsity", "right")]
            cells = [f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in both]
            cells = [f"**{cell}**" if each.is_clear else cell for each, cell in zip(both, cells, strict=True)]
            which = f"all {both[0].n}" if near_chance else f"{both[0].n} above twice chance"
            assert f"| {title} | {called} | {which} | {kind.title()} | {' | '.join(cells)} |" in text
        assert set(rows[f"shuffled-{judge}"].round(2)) == {0.50}  # random exemplars
    known, untrained, mis = trained(rows), rows[rows.weights == "random"].iloc[0], "mis-efficientnet-lite1"
    assert untrained[mis] < known[mis].min()
    assert untrained["mis-pixels"] > known["mis-pixels"].max()
    pruned = known[known.schedule != "none"][mis]
    dense = known[known.schedule == "none"][mis].iloc[0]
    assert f"{pruned.min():.3f} to {pruned.max():.3f} ({title}, dense: {dense:.3f})" in said
    (near,) = known[known.share < 0.002][mis]
    assert f"{near:.3f}" in said[said.index("below twice chance and score") :][:50]


def test_every_paper_says_what_is_not_reproduced() -> None:
    for paper in PAPERS.glob("*.md"):
        heads = re.findall("^## (.*)$", paper.read_text(encoding="utf-8"), re.MULTILINE)
        assert [re.sub("the (paper|thesis)", "it", head) for head in heads] == [
            "What it did",
            "What Sparsight measured",
            "What is not reproduced",
        ]


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in (*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert "://" in target or (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_test_that_security_names_exists() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`tests/" in line]
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(rows) > 20
    for path, name in named:
        file = REPOSITORY / path
        assert file.is_file(), path
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"


def test_every_boundary_of_security_has_a_test_and_a_place() -> None:
    parts = (DOCS / "security.md").read_text(encoding="utf-8").split("\n## Boundaries")[1:]
    assert len(parts) == 3
    for part in parts:
        rows = [line for line in part.split("\n## ")[0].splitlines() if line.startswith("| ")][1:]
        for row in rows:
            boundary, _, tests = (cell.strip() for cell in row.strip("|").split(" | "))
            assert re.search(r"`tests/[\w/]+\.py::\w+`", tests), boundary
    paths = re.findall(r"`((?:core|pages)/[\w/.]+)`", "".join(parts))
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def errors_of(kind: type[Exception]) -> set[type[Exception]]:
    """All classes below this one."""
    return {each for below in kind.__subclasses__() for each in (below, *errors_of(below))}


def test_every_error_is_explained() -> None:
    for path in (*(REPOSITORY / "core").rglob("*.py"), *(REPOSITORY / "pages" / "parts").rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    ours = {each.__name__ for each in errors_of(SparsightError) if each.__module__.startswith(("core.", "pages."))}
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    assert re.findall("^### (.+)$", text, re.MULTILINE) == sorted(ours)


def test_the_messages_that_troubleshooting_quotes_are_those_of_the_code() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    part = text[text.index("### ") : text.index("## Other problems")]
    quoted = [line for block in re.findall("```\n(.+?)```", part, re.DOTALL) for line in block.splitlines()]
    templates = [
        template
        for path in (*(REPOSITORY / "core").rglob("*.py"), *(REPOSITORY / "pages").rglob("*.py"))
        for template in _templates(path)
    ]
    assert len(quoted) > 20
    unknown = [line for line in quoted if not any(_fills(parts, line) for parts in templates)]
    assert unknown == []


def _fills(parts: tuple[str | None, ...], line: str) -> bool:
    """Whether a text with gaps (None) can be this line."""
    return all(part is None or part in line for part in parts) and bool(
        re.fullmatch("".join(".*" if part is None else re.escape(part) for part in parts), line)
    )


def _templates(path: Path) -> Iterator[tuple[str | None, ...]]:
    """Every text of a file in parts, None for what is filled in. Short ones could match any
    sentence.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = tuple(str(each.value) if isinstance(each, ast.Constant) else None for each in node.values)
            if sum(len(part) for part in parts if part) >= 7:
                yield parts
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= 7:
            yield (node.value,)


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    lines = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    heads = [line.removeprefix("## ").split()[0] for line in lines if line.startswith("## ")]
    versions = [head for head in heads if head != "Unreleased"]
    assert "Unreleased" not in heads[1:]
    assert versions[0] == project["version"] == VERSION
    assert versions == sorted(versions, key=lambda version: tuple(map(int, version.split("."))), reverse=True)
    assert [line for line in lines if len(line) > 150] == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150
