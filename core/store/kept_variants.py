"""One-shot variants kept on disk: mask bits and kept values in one file each, under a budget of
bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from core.base.errors import BadFile, BadSpec, MissingData
from core.base.stamps import Stamp
from core.disk.coding import Facts
from core.disk.files import Files
from core.disk.sizes import sparse_bytes
from core.disk.sparse import pack_sparse, unpack_sparse
from core.pruning.mask import Mask
from core.pruning.scores import ranked_by
from core.results import LayerCount, MaskReport
from core.specs import ModelSpec, VariantSpec

FOLDER = "variants"
FORMAT = 3  # since 2 a file names its dense network, since 3 its counts are those of the tensors


class KeptVariants:
    """Files <root>/variants/<precision>/<model key>/<digest>.safetensors; the least recently read
    are deleted first.

    Each holds the stamp of its dense network's file, and of the plugin that ranked its weights, and
    is read only for these.

    Args:
        files: where they are stored. budget_bytes: the most that they may take on disk together.
            precision: of the values; each has its own files.
    """

    def __init__(self, files: Files, budget_bytes: int, precision: str = "float32") -> None:
        self.files, self.budget_bytes, self.precision = files, budget_bytes, precision

    def save(self, report: MaskReport, state: Mapping[str, Tensor], mask: Mask, stamp: Stamp) -> Path:
        """Write one, then delete the oldest that no longer fit; an error leaves all others
        unchanged.

        Args:
            report: its counts. state: all its values by name, removed ones zero. mask: True where
                kept. stamp: of the dense network's file.
        Raises:
            BadSpec: not a one-shot variant, or larger than the budget. CacheNotWritable: for
            example a full disk.
        """
        variant = report.variant
        if not variant.pruning.is_one_shot:
            raise BadSpec(
                f"{variant.key} cannot be kept on disk.",
                "Dense networks and trained levels already have files.",
                "Choose a one-shot variant.",
            )
        expected = sparse_bytes(state, mask)
        if expected > self.budget_bytes:
            raise BadSpec(
                f"{variant.key} takes {expected >> 20:,} MB on disk.",
                f"Kept variants may take {self.budget_bytes >> 20:,} MB together.",
                "Raise SPARSIGHT_DISK_BYTES.",
            )
        counts = asdict(report) | {"variant": variant.key, "format": FORMAT, "dense": _source(variant, stamp)}
        path = self.files.save(self._key(variant), pack_sparse(state, mask), counts)
        self._trim(path)
        return path

    def forget(self, model: ModelSpec) -> None:
        """Delete all kept variants of a model, in every precision. Raises CacheNotWritable."""
        for key in self.files.keys(f"{FOLDER}/"):
            if f"/{model.key}/" in key:
                self.files.delete(key)

    def read_into(self, variant: VariantSpec, stamp: Stamp, out: Mapping[str, Tensor]) -> bool:
        """Read a kept variant into buffers, by name, of any type and on any device.

        Returns False if there is none that can be used.
        """
        if not variant.pruning.is_one_shot or not self.files.exists(self._key(variant)):
            return False
        try:
            tensors, facts = self.files.load(self._key(variant), "The variant is computed again now.")
            weights, _ = unpack_sparse(tensors)
        except (MissingData, BadFile):  # it is computed again
            return False
        if not _is_of(facts, variant, stamp):
            return False
        if {name: values.shape for name, values in weights.items()} != {
            name: values.shape for name, values in out.items()
        }:
            return False
        for name, values in weights.items():
            out[name].copy_(values)
        with contextlib.suppress(OSError):  # records the time of its last use
            self._path(self._key(variant)).touch()
        return True

    def report(self, variant: VariantSpec, stamp: Stamp) -> MaskReport | None:
        """Return the counts of a kept variant; None if there is none."""
        if not variant.pruning.is_one_shot or not self.files.exists(self._key(variant)):
            return None
        try:
            facts = self.files.facts(self._key(variant))
            if not _is_of(facts, variant, stamp):
                return None
            layers, excluded = (tuple(LayerCount(**layer) for layer in facts[name]) for name in ("layers", "excluded"))
            return MaskReport(
                variant=variant,
                layers=layers,
                excluded=excluded,
                other_parameters=facts["other_parameters"],
                removed_others=facts["removed_others"],
                zero_others=facts["zero_others"],
                collapsed=facts["collapsed"],
            )
        except (MissingData, BadFile, KeyError, TypeError):
            return None

    @property
    def bytes(self) -> int:
        """Return the bytes that all of them take on disk."""
        return sum(status.st_size for status in self._existing().values())

    def _existing(self) -> dict[str, os.stat_result]:
        found = {}
        for key in self.files.keys(f"{FOLDER}/"):
            with contextlib.suppress(OSError):  # another process may delete it meanwhile
                found[key] = self._path(key).stat()
        return found

    def _trim(self, newest: Path) -> None:
        existing = self._existing()
        total = sum(status.st_size for status in existing.values())
        for key, status in sorted(existing.items(), key=lambda found: found[1].st_mtime_ns):
            if total <= self.budget_bytes or self._path(key) == newest:
                continue
            total -= status.st_size
            self.files.delete(key)

    def _path(self, key: str) -> Path:
        return self.files.write_root / f"{key}.safetensors"

    def _key(self, variant: VariantSpec) -> str:
        """Return the key of the file. It holds a digest, since not every pruning key is a valid
        file name; the facts hold the key itself.
        """
        digest = hashlib.sha256(variant.pruning.key.encode()).hexdigest()[:24]
        return f"{FOLDER}/{self.precision}/{variant.model.key}/{digest}"


def _is_of(facts: Facts, variant: VariantSpec, stamp: Stamp) -> bool:
    """Return whether a file holds this variant of the current dense network."""
    current = FORMAT, variant.key, _source(variant, stamp)
    return (facts.get("format"), facts.get("variant"), facts.get("dense")) == current


def _source(variant: VariantSpec, stamp: Stamp) -> Stamp:
    plugin = ranked_by(variant)
    return f"{stamp} {plugin}" if plugin else stamp
