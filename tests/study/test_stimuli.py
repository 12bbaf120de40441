"""The pictures of a study: as published, exact in count, and named by what they show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from core.engine.engine import Engine
from core.specs import CamSpec, ImageRef, VariantSpec
from core.study.presets import PRESETS
from core.study.stimuli import Stimuli, Wanted, jet, occlusion, published, reverse, top_pixels
from tests.reference import stimuli as reference

SIDES = st.integers(1, 9)
RELU = CamSpec(layer="relu2", target="own")


@given(
    values=arrays(
        np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0.5, 1, 2])
    ),
    share=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
)
def test_exactly_the_highest_pixels_stay_visible(values: np.ndarray, share: float) -> None:
    assert top_pixels(values, share).tolist() == reference.top_pixels(values.tolist(), share)


def test_the_published_tenth_is_5017_pixels() -> None:
    assert top_pixels(np.zeros((224, 224))).sum() == 5017


def test_jet_equals_its_definition() -> None:
    for at, colour in enumerate(jet()):
        assert np.allclose(colour, 255 * np.array(reference.jet(at / 255)), atol=0.51)


def test_a_published_heatmap_is_seven_parts_image_and_three_parts_jet(engine: Engine) -> None:
    side = engine.heatmap(VariantSpec(), ImageRef(name="17", noise=0.0), RELU)
    image = engine.picture(side.image).clean
    drawn = np.asarray(published(side, image)) / 255
    grey = np.asarray(Image.fromarray((image * 255).round().astype(np.uint8)).resize((336, 336), 0)) / 255
    raw = np.clip(side.saliency, 0, None)
    heat = np.asarray(
        Image.fromarray((raw / raw.max()).astype(np.float32)).resize((336, 336), Image.Resampling.BICUBIC)
    )
    for row, column in ((0, 0), (100, 170), (168, 168), (200, 120), (335, 335)):
        expected = reference.published_pixel((grey[row, column],) * 3, float(np.clip(heat[row, column], 0, 1)))
        assert drawn[row, column] == pytest.approx(expected, abs=0.012)  # colours and pixels are rounded to 1/255


def test_an_occlusion_map_shows_a_tenth_of_the_image_and_black(engine: Engine) -> None:
    side = engine.heatmap(VariantSpec(), ImageRef(name="17", noise=0.0), RELU)
    bright = np.ones((28, 28), dtype=np.float32)
    shown = np.asarray(occlusion(side, bright).resize((28, 28), 0))
    assert (shown == 255).sum() == 78  # floor(0.1 x 784)
    assert set(np.unique(shown)) == {0, 255}


def test_an_occlusion_map_without_evidence_is_black(engine: Engine) -> None:
    side = replace(engine.heatmap(VariantSpec(), ImageRef(name="17", noise=0.0), RELU), state="empty")
    assert np.asarray(occlusion(side, np.ones((28, 28)))).max() == 0


def test_the_reverse_of_a_heatmap_is_bright_where_it_is_dark(engine: Engine) -> None:
    side = engine.heatmap(VariantSpec(), ImageRef(name="17", noise=0.0), RELU)
    turned = reverse(side)
    assert np.allclose(turned.map + side.map, 1)
    assert np.argmax(turned.saliency) == np.argmin(np.clip(side.saliency, 0, None))


def test_an_empty_heatmap_leaves_the_image_as_it_is(engine: Engine) -> None:
    side = replace(
        engine.heatmap(VariantSpec(), ImageRef(name="17", noise=0.0), RELU), state="empty", map=np.zeros((28, 28))
    )
    image = engine.picture(side.image).clean
    pixel = np.asarray(published(side, image))[0, 0] / 255
    assert pixel == pytest.approx(reference.published_pixel((float(image[0, 0]),) * 3, 0.0), abs=0.01)


def test_names_tell_networks_displays_and_studies_apart_and_cannot_be_guessed(engine: Engine, tmp_path: Path) -> None:
    spec = PRESETS["class"].value()
    wanted = [
        Wanted(image=5, variant="", task=""),
        Wanted(image=5, variant="dense", task="heatmap-pair"),
        Wanted(image=5, variant="dense", task="heatmap-pair", reversed=True),
        Wanted(image=5, variant="dense", task="occlusion-pair"),
        Wanted(image=5, variant="10 % of the weights left", task="heatmap-pair"),
        Wanted(image=6, variant="dense", task="heatmap-pair"),
    ]
    first = Stimuli(engine, spec, tmp_path, "salt")
    names = [first.name(one) for one in wanted]
    assert len(set(names)) == len(wanted)
    other = Stimuli(engine, spec, tmp_path, "another salt")
    assert not set(names) & {other.name(one) for one in wanted}
    published_names = {
        Stimuli(engine, replace(spec, display="published"), tmp_path, "salt").name(one) for one in wanted
    }
    assert len(published_names & set(names)) == 1  # the image itself


def test_a_picture_is_drawn_once(engine: Engine, tmp_path: Path) -> None:
    stimuli = Stimuli(engine, PRESETS["class"].value(), tmp_path, "salt")
    wanted = [Wanted(image=5, variant="dense", task="heatmap-pair")] * 3
    assert list(stimuli.draw(wanted)) == [1]
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    assert list(stimuli.draw(wanted)) == [1]
    assert path.stat().st_mtime_ns == before
    assert Image.open(path).size == (336, 336)
