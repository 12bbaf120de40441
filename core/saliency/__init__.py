"""Saliency maps by CAM methods, and heatmaps made from them.

Pure functions of models and tensors.
"""

from core.saliency.cams import CAMS, CamMethod, SaliencyBatch, is_quick, saliency_maps
from core.saliency.capture import Captured, ChooseTarget, capture, evaluating, find_layer, fixed_classes, own_class
from core.saliency.external import LEFT_OUT
from core.saliency.normalise import normalise
from core.saliency.second import NEGATIVE_LIMIT, second_method, second_methods

__all__ = [
    "CAMS",
    "LEFT_OUT",
    "NEGATIVE_LIMIT",
    "CamMethod",
    "Captured",
    "ChooseTarget",
    "SaliencyBatch",
    "capture",
    "evaluating",
    "find_layer",
    "fixed_classes",
    "is_quick",
    "normalise",
    "own_class",
    "saliency_maps",
    "second_method",
    "second_methods",
]
