"""Files of weights."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from core.base.errors import BadFile
from core.models.checkpoints.policy import problems, read
from core.models.own import MOST_CLASSES, About, completed_card
from core.models.zoo import named
from tests.zoo.case import Case
from tests.zoo.weight_files import (
    OTHER,
    SHAPES,
    STATE,
    averaged,
    changed,
    claiming,
    compressed,
    fitted,
    half_number,
    lightning_file,
    network,
    old_file,
    quantised,
    safetensors_of,
    same,
    torch_file,
    torchscript,
    training,
    under,
    zipped,
)

Make = Callable[[], bytes]
NAN, INFINITY = float("nan"), float("inf")


def weights_are_read(make: Make, chosen: str, folder: Path) -> Iterable[str]:
    """The weights of the network, whole and unchanged, in float32."""
    found = fitted(make(), chosen)
    assert problems(found.state, SHAPES) == []
    assert same({key: found.state[key] for key in SHAPES}, STATE)
    assert {values.dtype for values in found.state.values()} == {torch.float32, torch.int64}
    return found.notes


def refused(make: Make, says: str, folder: Path) -> Iterable[str]:
    """Bytes and the file of them are refused, with its name and what to do."""
    content = make()
    (folder / "mine.pth").write_bytes(content)
    for source in (content, folder / "mine.pth"):
        with pytest.raises(BadFile) as caught:
            read(source, "mine.pth").strict(SHAPES, "mine.pth", "Choose another.")
        error = caught.value
        assert says in str(error)
        assert error.wrong.startswith("mine.pth")
        assert error.allowed
        assert error.next_step
    raise error


def of_classes(count: int, folder: Path) -> Iterable[str]:
    card = named("resnet18")
    head = torch.zeros(1, 1).expand(count, card.shapes[card.classifier][1])
    assert len(completed_card(About(architecture="resnet18"), card, {card.classifier: head}).classes) == count
    return ()


READ: tuple[tuple[str, str, Make, str], ...] = (
    ("a state dict of torch.save", "read", lambda: torch_file(STATE), ""),
    ("safetensors", "read", lambda: save(STATE), ""),
    ("a file of torch before 1.6", "read", old_file, ""),
    (
        "state_dict beside an epoch",
        "read; the rest is named and ignored",
        lambda: torch_file({"state_dict": STATE, "epoch": 7, "best": 0.5}),
        "epoch, best",
    ),
    ("names of DataParallel (module.)", "read", lambda: torch_file(under("module.")), ""),
    ("names of torch.compile in DataParallel", "read", lambda: torch_file(under("module._orig_mod.")), ""),
    ("model_state_dict", "read", lambda: torch_file({"model_state_dict": STATE}), ""),
    ("net, with names of DataParallel", "read", lambda: torch_file({"net": under("module.")}), ""),
    ("a wrapper of an unknown name", "read", lambda: torch_file({"student_weights": STATE}), ""),
    ("an unknown prefix on all names", "read", lambda: torch_file(under("resnet_of_mine.")), ""),
    (
        "a prefix on all names but those of the head",
        "read",
        lambda: torch_file({key if key.startswith("fc") else f"backbone.{key}": one for key, one in STATE.items()}),
        "",
    ),
    (
        "a checkpoint of Lightning",
        "read; loss and metrics are named and ignored",
        lightning_file,
        "loss_fn.weight, train_acc.total",
    ),
    (
        "a checkpoint with optimiser, options and curves",
        "read; the rest is named and ignored",
        lambda: torch_file(training()),
        "optimizer",
    ),
    (
        "model and model_ema",
        "model is read; it is said that the other can be chosen",
        lambda: torch_file({"model_ema": OTHER, "model": STATE}),
        "2 sets of weights; this is 'model'",
    ),
    (
        "an average beside the weights, in one dictionary",
        "the weights are read; the average is named",
        lambda: torch_file({"state_dict": under("ema_model.", OTHER) | under("model.")}),
        "Others: ema_model",
    ),
    (
        "an average over training (EMA) only",
        "read, and said",
        lambda: torch_file({"model_ema": STATE}),
        "only averages over training (EMA)",
    ),
    ("AveragedModel of torch", "read", lambda: torch_file(averaged()), "n_averaged"),
    (
        "BatchNorm without counters",
        "read",
        lambda: torch_file({key: values for key, values in STATE.items() if "num_batches" not in key}),
        "",
    ),
    (
        "heads that GoogLeNet and Inception have in training only",
        "read without them",
        lambda: torch_file({**STATE, "aux1.conv.weight": torch.zeros(1), "AuxLogits.fc.bias": torch.zeros(1)}),
        "aux1.conv.weight",
    ),
    (
        "a head named fc.1",
        "read",
        lambda: torch_file({key.replace("fc.", "fc.1."): values for key, values in STATE.items()}),
        "",
    ),
    (
        "nn.Parameter in place of tensors",
        "read",
        lambda: torch_file({"state_dict": STATE | dict(network().named_parameters())}),
        "",
    ),
    (
        "weights that were dequantised, with their scales",
        "read; the scales are named and ignored",
        lambda: torch_file(STATE | {"conv.scale": torch.tensor([0.1]), "conv.zero_point": torch.tensor([0])}),
        "conv.scale",
    ),
    (
        "a normalisation of the input beside the weights",
        "read; it is advised to check mean and deviation",
        lambda: torch_file(under("model.") | {"normalize.mean": torch.rand(3)}),
        "check mean and deviation",
    ),
    (
        "weights in float64",
        "read as float32, and said",
        lambda: torch_file({k: v.double() if v.is_floating_point() else v for k, v in STATE.items()}),
        "float64",
    ),
)
NOT_PLAIN: tuple[tuple[str, str, Make, str], ...] = (
    (
        "weights with NaN",
        "the tensor is named",
        lambda: torch_file(changed(conv_bias=torch.tensor([0, NAN, 0, 1]))),
        "1 of the 4 values of 'conv.bias'",
    ),
    (
        "infinite weights",
        "the tensor is named",
        lambda: torch_file(changed(fc_bias=torch.tensor([INFINITY, 0]))),
        "'fc.bias' are NaN or inf",
    ),
    (
        "weights in float64 beyond float32",
        "the tensor is named",
        lambda: torch_file(changed(fc_bias=torch.tensor([1e300, 0]).double())),
        "fc.bias",
    ),
    (
        "weights in integers",
        "the tensor is named",
        lambda: torch_file(changed(fc_weight=torch.ones(2, 16, dtype=torch.int8))),
        "'fc.weight' holds integers (int8)",
    ),
    (
        "a quantised tensor",
        "it is named",
        lambda: torch_file(changed(fc_weight=quantised())),
        "fc.weight' is quantised",
    ),
    (
        "a sparse tensor",
        "it is named",
        lambda: torch_file(changed(fc_weight=STATE["fc.weight"].to_sparse())),
        "fc.weight' is sparse",
    ),
    (
        "a tensor on the device meta",
        "it is named",
        lambda: torch_file(changed(fc_weight=torch.empty(2, 16, device="meta"))),
        "'fc.weight' is on the device 'meta', without values",
    ),
    (
        "zeros(1, 1).expand(400000, 200), 4 bytes of a matrix",
        "the shape that it claims is named",
        lambda: torch_file(changed(fc_weight=torch.zeros(1, 1).expand(400_000, 200))),
        "fc.weight' claims the shape 400000 x 200, but the file holds 4 bytes",
    ),
    (
        "rows of a matrix that overlap",
        "the shape that it claims is named",
        lambda: torch_file(changed(fc_weight=torch.zeros(17).as_strided((2, 16), (1, 1)))),
        "claims the shape 2 x 16",
    ),
    (
        "an unknown parametrization",
        "its layer is named",
        lambda: torch_file(STATE | {"fc.parametrizations.weight.original": torch.ones(2, 16)}),
        "unknown way",
    ),
    (
        "a mask of another shape than its weight",
        "explained",
        lambda: torch_file(STATE | {"fc.weight_orig": torch.ones(2, 16), "fc.weight_mask": torch.ones(3)}),
        "masks or norms that do not fit",
    ),
)
OTHER_NETWORKS: tuple[tuple[str, str, Make, str], ...] = (
    (
        "weights of another network",
        "what is missing is named",
        lambda: torch_file(nn.Linear(3, 2).state_dict()),
        "Missing: conv.weight",
    ),
    (
        "weights of a larger network",
        "what is too much is named",
        lambda: torch_file(STATE | {"conv2.weight": torch.zeros(4, 4, 3, 3)}),
        "Not part of the network: conv2.weight",
    ),
    (
        "a tensor of another shape",
        "both shapes are named",
        lambda: torch_file(changed(fc_weight=torch.zeros(3, 16))),
        "fc.weight 3 x 16 instead of 2",
    ),
    ("a dictionary without tensors", "its keys are named", lambda: torch_file({"epoch": 3}), "by name, only: epoch"),
    ("a list", "explained", lambda: torch_file([1, 2]), "holds a list"),
)
NOT_WHOLE: tuple[tuple[str, str, Make, str], ...] = (
    ("an empty file", "explained", lambda: b"", "only 0 bytes"),
    ("a file of one byte", "explained", lambda: b"\x80", "only 1 byte."),
    ("the first 55 bytes of a file", "explained", lambda: old_file()[:55], "cannot be read"),
    ("the first half of a file of torch", "it is cut off", lambda: torch_file(STATE)[:900], "cut off"),
    ("a file of torch before 1.6 without its end", "explained", lambda: old_file()[:-90], "cannot be read"),
    ("safetensors without their end", "both lengths are named", lambda: save(STATE)[:-8], "it should have"),
    (
        "safetensors of 1,549,681,956 bytes, by their header",
        "both lengths are named; nothing is allocated",
        lambda: safetensors_of({"a": {"dtype": "F32", "shape": [9**9], "data_offsets": [0, 4 * 9**9]}}, b"1234"),
        "it should have 1,5",
    ),
    (
        "a header of safetensors beyond the end of the file",
        "explained; nothing is allocated",
        lambda: struct.pack("<Q", 10**9) + b"{" + bytes(20),
        "header is cut off",
    ),
    (
        "a file of torch that claims 8 GB",
        "explained; nothing is allocated",
        claiming,
        "does not match expected size",
    ),
    (
        "a file of torch before 1.6 that claims 8 GB",
        "explained; nothing is allocated",
        partial(claiming, old=True),
        "wrong byte size",
    ),
    (
        "a zip file that unpacks to 1,000 times its size",
        "both sizes are named; nothing is unpacked",
        compressed,
        "would unpack to",
    ),
    (
        "a pickle that breaks off in the middle of a number",
        "explained",
        half_number,
        "cannot be read",
    ),
    ("a text", "its beginning is quoted", lambda: b"this is a note on the weights", "begins with b'this is a n"),
    (
        "a web page that was saved as weights",
        "it is called what it is",
        lambda: b"<!DOCTYPE html><title>Sign in</title>",
        "a web page",
    ),
    (
        "a pointer of Git LFS",
        "it is called what it is",
        lambda: b"version https://git-lfs.github.com/spec/v1\n",
        "git lfs pull",
    ),
    ("a gzip archive", "it is called what it is", lambda: b"\x1f\x8b\x08" + bytes(40), "Unpack it"),
    (
        "a zip file of photographs",
        "it is called what it is",
        lambda: zipped({"a/1.png": b"x"}),
        "zip file without weights",
    ),
    ("TorchScript", "it is called what it is", torchscript, "TorchScript program"),
    (
        "a whole module (torch.save(model))",
        "its class is named; no code is run",
        lambda: torch_file(network()),
        "Sequential), and reading it could run hidden code",
    ),
    (
        "a pickle of lists",
        "no code is run",
        lambda: pickle.dumps({"fc.weight": [1, 2]}),
        "plain pickle",
    ),
)
CASES = (
    *(Case(what, outcome, partial(weights_are_read, make, ""), says) for what, outcome, make, says in READ),
    Case(
        "model and model_ema, where the average is asked for",
        "the average is read, and said",
        partial(weights_are_read, lambda: torch_file({"model": OTHER, "model_ema": under("module.")}), "ema"),
        "this is 'model_ema', averages over training (EMA)",
    ),
    Case("weights of 100,000 classes", "read", partial(of_classes, MOST_CLASSES)),
    Case(
        "weights of 100,001 classes",
        "refused: the bound is named",
        partial(of_classes, MOST_CLASSES + 1),
        "may have up to 100,000",
        BadFile,
    ),
    *(
        Case(what, f"refused: {outcome}", partial(refused, make, says), says, BadFile)
        for what, outcome, make, says in (*NOT_PLAIN, *OTHER_NETWORKS, *NOT_WHOLE)
    ),
)
