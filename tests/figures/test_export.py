"""What is taken along is complete: the cell runs and gives the same numbers, the zip holds
pictures, arrays and provenance.
"""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import core
from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.figures import export, maps
from core.models.zoo import default_model
from tests.made import Made

PRUNINGS = [
    PruningSpec(),
    PruningSpec.one_shot(0.3),
    PruningSpec.one_shot(0.984375, "layer"),
    PruningSpec.one_shot(0.5, criterion="random", seed=3),
    PruningSpec.at_level(25),
    PruningSpec.one_shot(0.25, granularity="filter", excluded=("fc.weight",), overrides=(("conv1.weight", 0.1),)),
]
PHOTO = (
    VariantSpec(model=default_model("efficientnet-lite0"), pruning=PruningSpec.one_shot(0.3)),
    ImageRef(source="gallery", name="coffee"),
)


def made_by(code: str, engine: Engine) -> dict:
    """The names that a cell leaves behind, run with this engine."""
    names: dict = {}
    exec(code.replace("engine = Engine()", ""), names | {"engine": engine}, names)
    return names


@pytest.mark.parametrize("pruning", PRUNINGS, ids=lambda pruning: pruning.key)
def test_the_cell_names_the_same_specs(engine: Engine, pruning: PruningSpec) -> None:
    variant = VariantSpec(model=ModelSpec(seed=334), pruning=pruning)
    image, cam = ImageRef(name="17", noise=0.0), CamSpec(method="grad-cam", target="own")
    names = made_by(export.code_for(variant, image, cam, 0.4), engine)
    assert (names["variant"], names["image"], names["cam"]) == (variant, image, cam)


@pytest.mark.parametrize(
    "pruning", [PruningSpec.at_level(3, "retrained"), PruningSpec.one_shot(0.5, repair="batch-norm")], ids=str
)
def test_the_cell_names_what_other_networks_can_do(pruning: PruningSpec) -> None:
    variant = VariantSpec(model=default_model("efficientnet-lite0"), pruning=pruning)
    (said,) = [
        line for line in export.code_for(variant, PHOTO[1], CamSpec()).splitlines() if line.startswith("variant = ")
    ]
    assert eval(said.removeprefix("variant = "), {name: getattr(core, name) for name in core.__all__}) == variant


def test_the_cell_gives_the_same_answer(engine: Engine) -> None:
    question = (VariantSpec(pruning=PruningSpec.one_shot(0.8)), ImageRef(name="3500"), CamSpec())
    answer, again = engine.compare(*question), made_by(export.code_for(*question), engine)["answer"]
    assert (answer.pruned.map == again.pruned.map).all()
    assert answer.overlap_pruned == again.overlap_pruned


def test_the_cell_for_an_own_image_asks_for_the_file(engine: Engine, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my-image.png"
    file.write_bytes(maps.png(maps.grey(Made().clean)))
    monkeypatch.chdir(tmp_path)
    image = ImageRef(source="own", name=engine.add_image(file.read_bytes()).name, noise=0.0)
    code = export.code_for(VariantSpec(), image, CamSpec())
    assert made_by(code, engine)["image"] == image


def test_the_cell_is_tidy() -> None:
    code = export.code_for(VariantSpec(pruning=PruningSpec.one_shot(0.9)), ImageRef(name="7"), CamSpec())
    assert code.startswith("from core import ")
    assert "\n\n\n" not in code
    assert code.endswith("\n")
    compile(code, "cell", "exec")


def test_the_zip_holds_pictures_arrays_and_provenance(engine: Engine) -> None:
    answer = engine.compare(VariantSpec(pruning=PruningSpec.one_shot(0.8)), ImageRef(name="3500"), CamSpec())
    with zipfile.ZipFile(io.BytesIO(export.bundle(answer, 0.5))) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert names == {
            "1-input.png",
            "2-dense.png",
            "3-pruned.png",
            "4-dense-minus-pruned.png",
            "maps.npz",
            "provenance.json",
        }
        sizes = {Image.open(archive.open(name)).size for name in names if name.endswith(".png")}
        arrays = np.load(io.BytesIO(archive.read("maps.npz")), allow_pickle=False)
        provenance = json.loads(archive.read("provenance.json"))
    assert sizes == {(maps.SIDE_PX, maps.SIDE_PX)}
    assert (arrays["pruned_map"] == answer.pruned.map).all()
    assert (arrays["dense_saliency"] == answer.reference.saliency).all()
    assert (arrays["difference"] == answer.difference).all()
    assert provenance["keys"]["variant"] == answer.pruned.variant.key
    assert provenance["answer"]["mask"]["kept"] == answer.mask.kept
    assert provenance["answer"]["pruned"]["predicted"] == answer.pruned.prediction.top
    assert "torch" in provenance["versions"]


def test_provenance_makes_the_specs_again(engine: Engine) -> None:
    answer = engine.compare(VariantSpec(pruning=PruningSpec.at_level(3)), ImageRef(name="1"), CamSpec(target="label"))
    specs = json.loads(json.dumps(export.provenance(answer)))["specs"]
    variant = VariantSpec(
        model=ModelSpec(**specs["variant"]["model"]), pruning=PruningSpec(**specs["variant"]["pruning"])
    )
    assert (variant, ImageRef(**specs["image"]), CamSpec(**specs["cam"])) == (
        answer.pruned.variant,
        answer.pruned.image,
        answer.pruned.cam,
    )


def test_undefined_scores_are_null(engine: Engine) -> None:
    collapsed = engine.compare(VariantSpec(pruning=PruningSpec.one_shot(1.0)), ImageRef(name="0"), CamSpec())
    text = json.dumps(export.provenance(collapsed), allow_nan=False)
    assert json.loads(text)["answer"]["similarity"]["pearson"] is None


def test_the_cell_for_a_photograph_gives_the_same_answer(engine: Engine) -> None:
    cam = CamSpec(method="grad-cam", target="own")
    names = made_by(export.code_for(*PHOTO, cam), engine)
    answer = engine.compare(*PHOTO, cam)
    assert (names["answer"].pruned.map == answer.pruned.map).all()
    assert names["answer"].pruned.prediction.top == answer.pruned.prediction.top


def test_the_cell_for_an_own_photograph_prepares_it_for_its_network(
    engine: Engine, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my-image.png"
    Image.new("RGB", (300, 200), "orange").save(file, "JPEG")
    monkeypatch.chdir(tmp_path)
    image = engine.add_image(file.read_bytes(), PHOTO[0].model)
    code = export.code_for(PHOTO[0], image, CamSpec(method="grad-cam"))
    assert made_by(code, engine)["image"] == image


def test_the_zip_of_a_photograph_is_in_colour_and_of_its_own_size(engine: Engine) -> None:
    answer = engine.compare(*PHOTO, CamSpec(method="grad-cam"))
    with zipfile.ZipFile(io.BytesIO(export.bundle(answer))) as archive:
        shown = np.asarray(Image.open(archive.open("1-input.png")), dtype=int)
        arrays = np.load(io.BytesIO(archive.read("maps.npz")), allow_pickle=False)
        specs = json.loads(archive.read("provenance.json"))["specs"]
    assert shown.shape == (224, 224, 3)
    assert np.abs(shown[..., 0] - shown[..., 2]).max() > 50
    assert (arrays["pruned_map"] == answer.pruned.map).all()
    assert (arrays["truth"] == answer.picture.truth).all()
    assert specs["image"] == {"source": "gallery", "name": "coffee", "noise": 0.0, "noise_seed": 0}
