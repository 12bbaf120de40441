"""A sweep gives the answers of single questions, keeps them, and never mixes old with new."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.base.errors import BadFile, BadSpec, UnknownName
from core.base.settings import shipped_folder
from core.data.digit_inputs import DigitInputs
from core.data.folders import PREFIX
from core.engine.engine import Engine
from core.measures import soft_iou
from core.saliency.baselines import BASELINES
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps import collected
from core.sweeps import sweep as sweep_module
from core.sweeps.estimate import estimate
from core.sweeps.images import chosen_rows
from core.sweeps.known import known_sweeps
from core.sweeps.read import differences, done, frame, summary
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Tables
from core.sweeps.written import from_mapping, read_sweep
from tests.data.made_sets import folder_files, write_folder

DIGITS = DataSpec(noise=0.2)
SPEC = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.5, 0.9]), PruningSpec.at_level(12)),
    data=DIGITS,
    images=20,
    cams=(CamSpec(), CamSpec(method="grad-cam++", layer="conv2")),
    measures=("right", "agrees", "confidence", "pearson", "ssim", "soft-iou", "map-mean"),
)
WRITTEN = """
# Two networks, twenty digits.
models: [thesis-cnn]
prunings:
  - {}                               # dense
  - {sparsity: [0.5, 0.9]}
  - {level: 12}
data: {name: digits, noise: 0.2}
images: 20
heatmaps:
  - grad-cam
  - {method: grad-cam++, layer: conv2}
measures: [right, agrees, confidence, pearson, ssim, soft-iou, map-mean]
"""


def whole(sweep: Sweep) -> pandas.DataFrame:
    assert [step.done for step in sweep.run()] == list(range(1, len(sweep.variants) + 1))
    return frame(sweep)


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path / "cache")


@pytest.mark.device
def test_every_row_is_the_answer_to_a_single_question(engine: Engine) -> None:
    rows = whole(Sweep(engine, SPEC))
    assert len(rows) == 4 * 2 * 20
    for row in rows.iloc[::7].to_dict("records"):
        variant = next(each for each in Sweep(engine, SPEC).variants if each.key == row["network"])
        cam = CamSpec(method=row["heatmap"], layer=row["layer"])
        answer = engine.compare(variant, ImageRef(name=str(row["image"])), cam)
        assert row["predicted"] == answer.pruned.prediction.top
        assert row["right"] == (answer.pruned.prediction.top == answer.picture.label)
        assert row["agrees"] == (answer.pruned.prediction.top == answer.reference.prediction.top)
        assert row["sparsity"] == answer.mask.sparsity
        singles = {
            "confidence": max(answer.pruned.prediction.probabilities),
            "pearson": answer.similarity["pearson"],
            "ssim": answer.similarity["ssim"],
            "soft-iou": answer.overlap_pruned["soft-iou"],
            "map-mean": answer.statistics_pruned["mean"],
        }
        for name, value in singles.items():
            expected = np.nan if value is None else float(value)
            assert row[name] == pytest.approx(expected, abs=1e-4, nan_ok=True), (name, row)


def test_what_is_there_is_not_computed_again(own: Engine) -> None:
    few = replace(SPEC, measures=("right", "soft-iou"))
    first = whole(Sweep(own, few))
    assert all(step.found for step in Sweep(own, few).run())
    assert done(Sweep(own, few)) == 4
    assert done(Sweep(own, SPEC)) == 0
    missing = Sweep(own, SPEC).missing(VariantSpec())
    assert list(missing.values()) == [("agrees", "confidence"), *[("pearson", "ssim", "map-mean")] * 2]
    more = whole(Sweep(own, SPEC))
    assert not any(Sweep(own, SPEC).missing(variant) for variant in Sweep(own, SPEC).variants)
    pandas.testing.assert_frame_equal(more[list(first)], first)


def test_baselines_stand_beside_a_heatmap(engine: Engine) -> None:
    """Each is scored by the same measures, and compared with the dense network's Grad-CAM."""
    cams = tuple(CamSpec(method=name, target="own") for name in ("grad-cam", *BASELINES))
    measures = ("right", "confidence", "soft-iou", "pearson", "deletion", "road-most")
    spec = replace(SPEC, prunings=(PruningSpec(), PruningSpec.one_shot(0.9)), images=10, cams=cams, measures=measures)
    sweep = Sweep(engine, spec)
    rows = whole(sweep)
    assert rows.groupby("heatmap", observed=True).size().to_dict() == {cam.method: 20 for cam in cams}
    dense = rows[rows.network == VariantSpec().key]
    assert (dense[dense.heatmap == "grad-cam"].pearson.dropna() > 0.9999).all()
    assert abs(dense[dense.heatmap == "random-map"].pearson.mean()) < 0.3
    row = dense[dense.heatmap == "centre-blob"].iloc[3]
    inputs = engine.inputs(DIGITS)
    assert isinstance(inputs, DigitInputs)
    clean = inputs.clean[row["image"]].cpu()
    blob = BASELINES["centre-blob"].value.draw(torch.zeros(1, 1, 28, 28), torch.zeros(1))
    scaled = (blob - blob.min()) / (blob.max() - blob.min())
    assert row["soft-iou"] == pytest.approx(float(soft_iou(scaled, clean[None])), abs=1e-4)
    answers = sweep.tables.read(sweep.cells(VariantSpec())[0], sweep.identity(VariantSpec()))
    assert answers is not None
    alone = engine.heatmap(VariantSpec(), ImageRef(name=str(answers[0].image[0]), noise=0.2), CamSpec()).prediction
    assert answers[0].confidence[0] == pytest.approx(float(max(alone.probabilities)), abs=1e-5)


def test_heatmaps_of_one_layer_share_their_pass_and_change_nothing(tmp_path: Path) -> None:
    """Two methods and two classes at one layer: the images pass the network once, and those again
    whose classes differ.
    """
    pruned = VariantSpec(pruning=PruningSpec.one_shot(0.96))  # many digits change their class
    cams = tuple(CamSpec(method=way, target=to) for way in ("grad-cam", "grad-cam++") for to in ("own", "label"))
    spec = replace(SPEC, prunings=(pruned.pruning,), cams=cams, measures=("right", "soft-iou", "map-mean"))
    together = Sweep(Engine("cpu", tmp_path / "together"), spec)
    seen: list[int] = []
    with together.engine.store.borrow(pruned) as network:
        network.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    rows = whole(together)
    others = rows[(rows.heatmap == "grad-cam") & (rows.target == "own")].right.eq(False).sum()
    assert 0 < others < 20
    assert sum(seen) == 20 + 2 * others
    for cam in cams:
        alone = whole(Sweep(Engine("cpu", tmp_path / f"{cam.method}-{cam.target}"), replace(spec, cams=(cam,))))
        same = rows[(rows.heatmap == cam.method) & (rows.target == cam.target)].reset_index(drop=True)
        np.testing.assert_allclose(same[["soft-iou", "map-mean"]], alone[["soft-iou", "map-mean"]], atol=1e-6)


def test_a_summary_knows_classes_and_calibration(engine: Engine) -> None:
    spec = replace(SPEC, prunings=(PruningSpec(),), cams=(), measures=("right", "confidence", "label"))
    sweep = Sweep(engine, spec)
    rows, classes = whole(sweep), summary(sweep, by_class=True)
    assert set(classes["class"]) == set(range(10))
    for name, some in rows.groupby("label"):
        one = classes[(classes["class"] == name) & (classes.measure == "right")].iloc[0]
        assert (one["mean"], one["n"]) == (some.right.mean(), len(some))
    (error,) = summary(sweep).query("measure == 'calibration-error'").to_dict("records")
    assert error["n"] == 20
    assert error["low"] <= error["mean"] <= error["high"] + 0.1
    with pytest.raises(BadSpec, match="Add 'label'"):
        summary(Sweep(engine, replace(spec, measures=("right",))), by_class=True)


def test_means_have_their_counts_and_intervals(engine: Engine) -> None:
    sweep = Sweep(engine, SPEC)
    rows, means = whole(sweep), summary(sweep)
    assert len(means) == 4 * 2 * (len(SPEC.measures) + 1)
    for row in means[means.measure != "calibration-error"].to_dict("records"):
        values = rows[(rows.network == row["network"]) & (rows.heatmap == row["heatmap"])][row["measure"]].astype(float)
        assert row["n"] == values.notna().sum()
        assert row["mean"] == pytest.approx(values.mean())
        assert row["n"] < 2 or row["low"] <= row["mean"] <= row["high"]


def test_an_estimate_counts_what_is_left(own: Engine) -> None:
    before = estimate(Sweep(own, SPEC))
    assert (before.networks, before.images, before.passes) == (4, 20, 4 * 20 * 2)
    assert before.seconds > 0
    next(Sweep(own, SPEC).run())
    after = estimate(Sweep(own, SPEC))
    assert (after.networks, after.in_all, after.passes) == (3, 4, 3 * 20 * 2)


def test_parts_are_the_whole(own: Engine) -> None:
    steps = [step for part in (1, 2, 3) for step in Sweep(own, SPEC).run((part, 3))]
    assert sorted(step.variant.key for step in steps) == sorted(variant.key for variant in Sweep(own, SPEC).variants)
    assert not any(step.found for step in steps)


# What was computed from something else is no answer


def test_a_network_trained_again_under_its_name_is_asked_again(own: Engine, tmp_path: Path) -> None:
    spec = replace(SPEC, prunings=(PruningSpec.at_level(12),), cams=(), measures=("right", "confidence"))
    shipped = own.catalogue.files
    key = own.store.stored_key(spec.variants(ModelSpec())[0])
    tensors, facts = shipped.load(key)
    first = whole(Sweep(own, spec))
    changed = {name: values * 0.5 if values.is_floating_point() else values for name, values in tensors.items()}
    shipped.save(key, changed, facts)
    fresh = Engine("cpu", own.folder)
    assert done(Sweep(fresh, spec)) == 0
    assert frame(Sweep(fresh, spec)).empty
    assert not np.allclose(whole(Sweep(fresh, spec)).confidence, first.confidence)


@pytest.mark.parametrize("what", ["photograph", "boxes"])
def test_a_changed_folder_is_asked_again(tmp_path: Path, what: str) -> None:
    folder = write_folder(tmp_path / "photos", folder_files(("tench", "church")))
    spec = SweepSpec(
        models=(ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-global", seed=0),),
        prunings=(PruningSpec(),),
        data=DataSpec(name=f"{PREFIX}{folder}"),
        cams=(CamSpec(),),
        measures=("confidence", "energy-inside"),
    )
    first = whole(Sweep(Engine("cpu", tmp_path / "cache"), spec))
    if what == "photograph":
        shutil.copy(folder / "church" / "1.JPEG", folder / "tench" / "1.JPEG")
    else:
        (folder / "boxes.csv").write_text("path,x0,y0,x1,y1\ntench/1.JPEG,0,0,5,5\n")
    fresh = Engine("cpu", tmp_path / "cache")
    assert done(Sweep(fresh, spec)) == 0
    again = whole(Sweep(fresh, spec))
    assert not again.equals(first)


def test_another_precision_is_another_answer(own: Engine) -> None:
    spec = replace(SPEC, prunings=(PruningSpec(),))
    whole(Sweep(own, spec))
    assert done(Sweep(Engine("cpu", own.folder, precision="bfloat16"), spec)) == 0


def test_what_changes_while_it_is_asked_is_not_kept(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, sums = replace(SPEC, prunings=(PruningSpec(),)), iter(["before", "after"])
    monkeypatch.setattr(DigitInputs, "checksum", lambda inputs, rows: next(sums))
    with pytest.raises(BadSpec, match="changed while the sweep"):
        list(Sweep(own, spec).run())
    assert not list(own.folder.rglob("*.parquet"))


def test_a_damaged_table_is_computed_again(own: Engine) -> None:
    spec = replace(SPEC, prunings=(PruningSpec(),))
    sweep = Sweep(own, spec)
    first = whole(sweep)
    for cell in sweep.cells(VariantSpec()):
        sweep.tables.path(cell).write_bytes(b"PAR1 and no more")
    assert done(sweep) == 0
    pandas.testing.assert_frame_equal(whole(sweep), first)


# Several processes


def start(folder: Path, spec: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "core", "sweep", "run", str(spec), "--json", "--folder", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.long
def test_two_processes_share_the_work_and_agree_with_one(own: Engine, tmp_path: Path) -> None:
    written = tmp_path / "sweep.yaml"
    written.write_text(WRITTEN)
    assert read_sweep(written) == SPEC
    together = tmp_path / "together"
    said = [process.communicate()[0] for process in [start(together, written), start(together, written)]]
    computed = [line for text in said for line in text.splitlines() if '"found": false' in line]
    assert len(computed) == 4  # each network once
    pandas.testing.assert_frame_equal(frame(Sweep(Engine("cpu", together), SPEC)), whole(Sweep(own, SPEC)))


@pytest.mark.long
def test_a_killed_sweep_loses_at_most_the_network_at_work(own: Engine, tmp_path: Path) -> None:
    written, folder = tmp_path / "sweep.yaml", tmp_path / "killed"
    written.write_text(WRITTEN.replace("[0.5, 0.9]", str([round(0.02 * step, 2) for step in range(1, 30)])))
    spec = read_sweep(written)
    for _ in range(5):
        process = start(folder, written)
        assert process.stdout is not None
        while '"found": false' not in process.stdout.readline():
            pass  # until one network more is done
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 5 <= done(Sweep(Engine("cpu", folder), spec)) < len(spec.prunings)
    pandas.testing.assert_frame_equal(whole(Sweep(Engine("cpu", folder), spec)), whole(Sweep(own, spec)))


def left(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{collected.KEY}.safetensors"))


def test_what_a_kill_leaves_after_the_last_table_is_removed(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(collected, "EVERY_S", 0.0)
    few = replace(SPEC, prunings=SPEC.prunings[:1])
    with monkeypatch.context() as patch:
        patch.setattr(sweep_module, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            list(Sweep(own, few).run())
    assert len(left(own.folder)) == 1
    fewer = replace(few, cams=few.cams[:1])
    assert [step.found for step in Sweep(own, fewer).run()] == [True]
    assert len(left(own.folder)) == 1  # it holds more than this sweep can tell to be written
    assert [step.found for step in Sweep(own, few).run()] == [True]
    assert left(own.folder) == []


def test_what_another_sweep_has_begun_stays(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(SPEC, prunings=SPEC.prunings[:1], measures=("right", "soft-iou"))
    list(Sweep(own, few).run())
    monkeypatch.setattr(collected, "EVERY_S", 0.0)

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Sweep(own, replace(few, measures=SPEC.measures)).run(progress=stop))
    assert len(left(own.folder)) == 1
    assert [step.found for step in Sweep(own, few).run()] == [True]
    assert len(left(own.folder)) == 1


# Which images


@given(
    classes=st.lists(st.integers(-1, 3), min_size=1, max_size=60),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_images_are_drawn_from_each_class_in_proportion(classes: list[int], share: float, seed: int) -> None:
    images = max(1, round(share * len(classes)))
    rows = chosen_rows(torch.tensor(classes), images, seed).tolist()
    assert rows == sorted(set(rows))
    assert len(rows) == images
    for name in set(classes):
        fair = images * classes.count(name) / len(classes)
        assert abs(sum(classes[row] == name for row in rows) - fair) <= len(set(classes))
    assert chosen_rows(torch.tensor(classes), images, seed).tolist() == rows


def test_more_images_than_there_are() -> None:
    with pytest.raises(BadSpec, match="It has 3"):
        chosen_rows(torch.zeros(3), 4, 0)


# What people write


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("models: []", BadSpec, "no models"),
        ("models: [thesis-cnn]\nmeasures: [pearsen]", UnknownName, "Did you mean 'pearson'"),
        ("models: [thesis-cnn]\nmeasures: [pearson]", BadSpec, "needs heatmaps"),
        ("models: [thesis-cn]", UnknownName, "Did you mean 'thesis-cnn'"),
        ("models: [thesis-cnn]\nprunnings: []", BadSpec, "Did you mean 'prunings'"),
        ("models: [thesis-cnn]\nprunings: [{sparsity: []}]", BadSpec, "is empty"),
        ("models: [thesis-cnn]\nprunings: [{sparsity: 2}]", BadSpec, "sparsity"),
        ("models: [thesis-cnn]\nimages: 0", BadSpec, "number of images"),
        ("models: [thesis-cnn]\nreference: other", BadSpec, "reference"),
        ("- 1", BadSpec, "not a mapping"),
        ("models: [", BadFile, "is not YAML"),
        ("models: !!python/object/apply:os.system [true]", BadFile, "is not YAML"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, wrong: str, error: type[Exception], said: str) -> None:
    (tmp_path / "wrong.yaml").write_text(wrong)
    with pytest.raises(error, match=said):
        read_sweep(tmp_path / "wrong.yaml")


def test_a_grid_of_a_million_networks_is_refused() -> None:
    with pytest.raises(BadSpec, match="1,000,000 networks"):
        from_mapping(
            {
                "models": [{"name": "thesis-cnn", "weights": "mnist-55000", "seed": seed} for seed in range(1000)],
                "prunings": [{"sparsity": [step / 1000 for step in range(1000)]}],
            }
        )


# What is included


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*/*.yaml")), ids=lambda path: path.stem)
def test_the_included_sweeps_can_be_read(path: Path) -> None:
    assert read_sweep(path).networks >= 6


@pytest.mark.parametrize(
    ("name", "rows", "right"),
    [
        ("faithfulness", 6 * 100, 0.696),
        ("forgotten-digits", 18 * 200, 0.98),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in (
                ("efficientnet-lite0", 37 * 500, 0.696),
                ("less-is-more", 7 * 500, 0.88),
                ("less-is-more-faithfulness", 7 * 7 * 100, 0.88),
                ("mnist", 78 * 200, 0.98),
                ("breaks-digits", 33 * 2 * 200, 0.98),
            )
        ),
    ],
)
def test_the_included_tables_are_shown_without_their_photographs(
    own: Engine, name: str, rows: int, right: float
) -> None:
    spec = known_sweeps(own.roots)[name].read()
    sweep = Sweep(own, spec)
    assert done(sweep) == spec.networks
    assert len(frame(sweep)) == rows
    means = summary(sweep)
    assert set(means.measure) == {*spec.measures, "calibration-error"} - {"label"}
    dense = means[means.network == sweep.variants[0].key].set_index("measure")
    assert (dense.loc[["right"], "mean"] - right).abs().max() < 0.05
    assert set(dense.loc[["right"], "n"]) == {rows // spec.networks // len(spec.cams)}
    assert set(dense.loc[["agrees"], "mean"]) == {1}


@pytest.mark.parametrize(
    ("name", "rows"), [("breaks-efficientnet-lite0", 21 * 500), ("forgotten-less-is-more", 28 * 500)]
)
def test_included_tables_are_shown_without_weights_either(own: Engine, name: str, rows: int) -> None:
    """Two of the four series of SqueezeNet are not included."""
    sweep = Sweep(own, known_sweeps(own.roots)[name].read())
    assert done(sweep) == sweep.spec.networks
    assert len(frame(sweep)) == rows


def test_included_rows_are_what_the_network_answers_here(real_data: Path, tmp_path: Path) -> None:
    """They were computed on a GPU; a fresh answer on this device is the same."""
    data = DataSpec(name=f"{PREFIX}{real_data / 'imagenette-224-unseen.zip'}")
    spec = replace(
        read_sweep(shipped_folder() / "sweeps" / "less-is-more-faithfulness.yaml"),
        prunings=grid(schedule="retrained", level=3),
        data=data,
        measures=("right", "confidence", "agrees", "pearson", "energy-inside", "average-drop"),
    )
    engine = Engine("cpu", tmp_path)
    included = Sweep(engine, spec)
    assert done(included) == 1
    new = Sweep(engine, spec)
    new.tables = Tables([tmp_path], spec.set_key)
    assert done(new) == 0
    pandas.testing.assert_frame_equal(whole(new), frame(included), atol=1e-4)


def test_differences_are_paired_image_by_image(tmp_path: Path) -> None:
    """Beside a slow count; images for which one of the two is undefined are left out."""
    spec = replace(SPEC, cams=(CamSpec(), CamSpec(method="random-map")), prunings=SPEC.prunings[:2])
    sweep = Sweep(Engine("cpu", tmp_path), spec)
    list(sweep.run())
    found, rows = differences(sweep, "random-map").set_index(["network", "measure"]), frame(sweep)
    assert set(found.heatmap) == {"grad-cam"}
    assert set(found.index.get_level_values("measure")) == {"pearson", "ssim", "soft-iou", "map-mean"}
    for (network, measure), row in found.iterrows():
        one = rows[rows.network == network]
        pairs = [
            (
                one[(one.image == image) & (one.heatmap == "grad-cam")][measure].item(),
                one[(one.image == image) & (one.heatmap == "random-map")][measure].item(),
            )
            for image in one.image.unique()
        ]
        less = np.array([mine - other for mine, other in pairs if np.isfinite(mine - other)])
        assert row["n"] == len(less)
        assert row["mean"] == pytest.approx(less.mean(), abs=1e-6)
        half = stats.t.ppf(0.975, len(less) - 1) * less.std(ddof=1) / np.sqrt(len(less))
        assert (row["low"], row["high"]) == pytest.approx((less.mean() - half, less.mean() + half), abs=1e-5)
    with pytest.raises(UnknownName, match="random-map"):
        differences(sweep, "edgse")
