"""Which layers matter: each pruned alone, all others whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from core.errors import BadSpec
from core.specs.images import CamSpec, DataSpec, ImageRef
from core.specs.models import VariantSpec
from core.specs.pruning import PruningSpec, n_of_m
from core.specs.shares import exact_share


@dataclass(frozen=True, kw_only=True)
class SensitivitySpec:
    """A scan over the layers of one network: each alone loses each of the sparsities.

    variant: the network, and by what criterion and granularity its layers are pruned (its own amount does not count; magnitude of
    single weights for a dense one); layers that it excludes are left out. data: also the accuracy on it, which takes far longer.
    """

    variant: VariantSpec
    image: ImageRef
    cam: CamSpec = field(default_factory=CamSpec)
    sparsities: tuple[float, ...] = (0.25, 0.5, 0.75, 0.9)
    data: DataSpec | None = None

    def __post_init__(self) -> None:
        pruning = self.variant.pruning
        if pruning.schedule not in ("none", "one-shot"):
            raise BadSpec(
                f"A series of schedule '{pruning.schedule}' cannot be scanned layer by layer.",
                "A scan prunes the dense network, one layer at a time.",
                "Choose the dense network or one-shot pruning.",
            )
        pattern = n_of_m(pruning.granularity)
        shares = self.sparsities if pattern is None else (1 - pattern[0] / pattern[1],)  # a pattern fixes its own
        if not shares:
            raise BadSpec("A scan of no sparsities shows nothing.", "It takes one sparsity at least.", "Try 0.5.")
        object.__setattr__(self, "sparsities", tuple(sorted({exact_share(share) for share in shares})))

    def alone(self, layer: str, sparsity: float, layers: tuple[str, ...]) -> VariantSpec:
        """The network with one layer pruned. layers: all that may be pruned."""
        pruning = self.variant.pruning
        if pruning.schedule == "none":
            pruning = PruningSpec.one_shot(0.0)
        if n_of_m(pruning.granularity):
            chosen = replace(pruning, excluded=tuple(name for name in layers if name != layer))
        else:
            chosen = replace(pruning, sparsity=0.0, scope="layer", overrides=((layer, sparsity),))
        return replace(self.variant, pruning=chosen)

    @property
    def key(self) -> str:
        data = f"|{self.data.key}" if self.data else ""
        shares = ",".join(f"{share:g}" for share in self.sparsities)
        return f"sensitivity|{self.variant.model.key}/{self.variant.pruning.family}|{shares}|{self.image.key}|{self.cam.key}{data}"
