"""The scan: each layer alone, exactly as asked, as it comes, and no more work than it needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.engine import Engine
from core.errors import BadSpec
from core.models.zoo import card, default_model
from core.results import Accuracy, Heatmap
from core.sensitivity import scan, steps
from core.specs import CamSpec, DataSpec, ImageRef, PruningSpec, SensitivitySpec, VariantSpec

DIGIT = ImageRef(name="3500")
LAYERS = ("conv1.weight", "conv2.weight", "fc.weight")


class Counting:
    """An engine whose questions are counted."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.asked = engine, Counter[str]()

    def heatmap(self, variant: VariantSpec, image: ImageRef, cam: CamSpec) -> Heatmap:
        self.asked[variant.key] += 1
        return self.engine.heatmap(variant, image, cam)

    def accuracy(self, variant: VariantSpec, data: DataSpec) -> Accuracy:
        return self.engine.accuracy(variant, data)


def question(**more: object) -> SensitivitySpec:
    return SensitivitySpec(**{"variant": VariantSpec(pruning=PruningSpec.one_shot(0.3)), "image": DIGIT, "sparsities": (0.5, 0.9)} | more)


def test_each_layer_loses_each_share_and_no_other_layer_anything(engine: Engine) -> None:
    found = list(engine.sensitivity(question()))
    assert [(effect.layer, effect.sparsity) for effect in found] == [(layer, share) for layer in LAYERS for share in (0.5, 0.9)]
    for effect in found:
        counted = {layer.name: layer.sparsity for layer in engine.report(effect.variant).layers}
        assert counted.pop(effect.layer) == pytest.approx(effect.sparsity, abs=0.03)
        assert set(counted.values()) == {0.0}


def test_effects_are_those_of_networks_pruned_by_hand(engine: Engine) -> None:
    image = torch.from_numpy(engine.picture(DIGIT).seen.copy())[None, None]
    for effect in engine.sensitivity(question()):
        with engine.store.borrow(effect.variant.dense) as network, torch.no_grad():
            dense = network(image).softmax(1)[0]
            state = {name: values.clone() for name, values in network.state_dict().items()}
        weight = state[effect.layer]
        weight.flatten()[weight.abs().flatten().argsort(stable=True)[: round(effect.sparsity * weight.numel())]] = 0
        by_hand = card(effect.variant.model).build().eval()
        by_hand.load_state_dict(state)
        with torch.no_grad():
            pruned = by_hand(image).softmax(1)[0]
        top = int(dense.argmax())
        assert effect.target_class == top
        assert effect.probability_change == pytest.approx(float(pruned[top] - dense[top]), abs=1e-5)
        assert effect.flipped == (int(pruned.argmax()) != top)


def test_similarity_is_the_one_of_the_comparison(engine: Engine) -> None:
    asked = question(cam=CamSpec(method="grad-cam"))
    for effect in engine.sensitivity(asked):
        expected = engine.compare(effect.variant, DIGIT, asked.cam).similarity["pearson"]
        assert effect.similarity == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_a_layer_that_is_emptied_has_no_similarity_or_none_worth_a_number(engine: Engine) -> None:
    effect = next(iter(engine.sensitivity(question(sparsities=(1.0,)))))
    assert effect.layer == "conv1.weight"
    assert effect.similarity is None  # every cell of the map is the same


def test_nothing_is_computed_ahead_and_stopping_stops(engine: Engine) -> None:
    counting = Counting(engine)
    scanning = scan(counting, question())
    assert not counting.asked
    next(scanning)
    next(scanning)
    scanning.close()
    assert sum(count for key, count in counting.asked.items() if "dense" not in key) == 2


def test_known_answers_are_left_out(engine: Engine) -> None:
    whole = [effect.key for effect in engine.sensitivity(question())]
    assert len(set(whole)) == len(whole)
    counting = Counting(engine)
    rest = [effect.key for effect in scan(counting, question(), known=set(whole[:4]))]
    assert rest == whole[4:]
    assert set(counting.asked) == {*rest, "thesis-cnn/mnist-55000/seed-333/dense"}


def test_one_forward_pass_for_each_step_and_one_for_the_dense_network(tmp_path: Path) -> None:
    engine, passes = Engine("cpu", tmp_path), []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, inputs, output: passes.append(1) if type(module).__name__ == "ThesisCNN" and output.device.type != "meta" else None
    )
    try:
        count = len(list(engine.sensitivity(question(cam=CamSpec(method="grad-cam")))))
    finally:
        hook.remove()
    assert count == len(steps(question())) == 6
    assert len(passes) <= count + 1


def test_accuracy_comes_with_a_data_set(engine: Engine) -> None:
    asked = question(sparsities=(0.9,), data=DataSpec(name="digits"))
    found = list(engine.sensitivity(asked))
    assert [effect.accuracy.total for effect in found if effect.accuracy] == [5000] * 3
    assert all(effect.accuracy == engine.evaluate_accuracy(effect.variant, asked.data) for effect in found)


def test_excluded_layers_are_left_out_and_the_criterion_is_kept(engine: Engine) -> None:
    pruning = PruningSpec.one_shot(0.3, criterion="random", seed=4, excluded=("conv1.weight",))
    found = list(engine.sensitivity(question(variant=VariantSpec(pruning=pruning), sparsities=(0.5,))))
    assert [effect.layer for effect in found] == list(LAYERS[1:])
    assert {(effect.variant.pruning.criterion, effect.variant.pruning.seed) for effect in found} == {("random", 4)}


def test_a_pattern_fixes_its_own_amount(engine: Engine) -> None:
    pruning = PruningSpec.one_shot(granularity="2:4")
    asked = question(variant=VariantSpec(pruning=pruning))
    assert asked.sparsities == (0.5,)
    found = list(engine.sensitivity(asked))
    assert [effect.layer for effect in found] == list(LAYERS)
    for effect in found:
        assert [layer.name for layer in engine.report(effect.variant).layers] == [effect.layer]


def test_dense_means_single_weights_by_magnitude() -> None:
    asked = question(variant=VariantSpec())
    assert {variant.pruning.ranking for _, _, variant in steps(asked)} == {"weight-layer-magnitude"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"variant": VariantSpec(pruning=PruningSpec.at_level(3))}, "layer by layer"),
        ({"sparsities": ()}, "no sparsities"),
        ({"sparsities": (1.5,)}, "1.5"),
    ],
)
def test_scans_that_make_no_sense_are_refused(more: dict, message: str) -> None:
    with pytest.raises(BadSpec, match=message):
        question(**more)


def test_equal_questions_share_a_key_and_others_do_not() -> None:
    assert question(sparsities=(0.9, 0.5, 0.5)) == question()
    others = [question(image=ImageRef(name="1")), question(sparsities=(0.5,)), question(data=DataSpec(name="digits"))]
    others.append(question(variant=VariantSpec(model=replace(default_model("thesis-cnn"), seed=334))))
    assert len({asked.key for asked in [question(), *others]}) == 5
