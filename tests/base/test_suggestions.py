"""The name that a person probably meant, among the names that there really are."""

from __future__ import annotations

import pytest

from core.base.device import DEVICES
from core.base.errors import UnknownName
from core.base.suggestions import ALSO_CALLED, FEW, nearest
from core.cli.main import build
from core.cli.structure import commands_of
from core.data.datasets import DATASETS
from core.models import torchvision_cnns
from core.models.zoo import MODELS
from core.protocols.googlenet.protocol import PRUNINGS
from core.protocols.registry import PROTOCOLS
from core.pruning import CRITERIA
from core.saliency import CAMS
from core.specs import (
    AUGMENTATIONS,
    GRANULARITIES,
    OPTIMISERS,
    PRECISIONS,
    RATES,
    REPAIRS,
    RETRAIN_SCHEDULES,
    SCOPES,
    TARGETS,
)

NETWORKS = [*dict.fromkeys((*MODELS, *torchvision_cnns.names()))]


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("l1", CRITERIA, "magnitude"),
        ("L2", CRITERIA, "l2"),
        ("mag", CRITERIA, "magnitude"),
        ("nonsense", CRITERIA, None),
        ("gradcam", CAMS, "grad-cam"),
        ("GradCAM++", CAMS, "grad-cam++"),
        ("gradcampp", CAMS, "grad-cam++"),
        ("cam", CAMS, "grad-cam"),
        ("mnist", NETWORKS, "thesis-cnn"),
        ("efficientnet_lite0", NETWORKS, "efficientnet-lite0"),
        ("ResNet-18", NETWORKS, "resnet18"),
        ("resnet", NETWORKS, "resnet18"),
        ("vgg-16", NETWORKS, "vgg16"),
        ("", NETWORKS, None),
        ("mnist", DATASETS, "mnist-test"),
        ("pets", DATASETS, "oxford-pets"),
        ("local", SCOPES, "layer"),
        ("unstructured", GRANULARITIES, "weight"),
        ("bn", REPAIRS, "batch-norm"),
        ("fp16", PRECISIONS, "bfloat16"),  # the half precision that training has
        ("fc", ["conv1.weight", "fc.weight"], "fc.weight"),
    ],
)
def test_the_name_that_was_meant(written: str, known, meant: str | None) -> None:
    assert nearest(written, known) == meant


def test_every_other_word_leads_to_a_name_that_exists() -> None:
    lists = (
        NETWORKS,
        DATASETS,
        CRITERIA,
        CAMS,
        AUGMENTATIONS,
        GRANULARITIES,
        OPTIMISERS,
        RETRAIN_SCHEDULES,
        PRECISIONS,
        RATES,
        REPAIRS,
        SCOPES,
        TARGETS,
        PROTOCOLS,
        PRUNINGS,
        DEVICES,
        ("pretrained", "random"),
        ("float16",),
    )
    names = {name for known in lists for name in known} | set(commands_of(build()))
    assert set(ALSO_CALLED.values()) <= names


@pytest.mark.parametrize(
    ("noun", "says"),
    [
        ("measure in this table", "There is no measure 'x' in this table."),
        ("field of a data set", "There is no field 'x' of a data set."),
        ("set of weights of this network", "There is no set of weights 'x' of this network."),
        ("set of weights", "There is no set of weights 'x'."),
        ("way to show a map", "There is no way to show a map 'x'."),
    ],
)
def test_the_name_stands_beside_its_noun(noun: str, says: str) -> None:
    assert UnknownName(noun, "x", ["pearson"]).wrong == says
    assert UnknownName(noun, "x", []).wrong == says


def test_of_many_names_a_message_lists_only_some() -> None:
    allowed = UnknownName("model", "nonsense", NETWORKS).allowed
    assert allowed.startswith("Known: thesis-cnn, efficientnet-lite0, ")
    assert allowed.endswith(f" and {len(NETWORKS) - 12} more.")
    assert len(NETWORKS) > FEW
