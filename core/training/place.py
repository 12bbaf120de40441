"""Where training runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from core.disk.files import Files
from core.jobs.control import Control


@dataclass(frozen=True, eq=False)
class Place:
    """Where training runs and stores its networks, and the control that can pause or stop it."""

    files: Files
    device: torch.device
    control: Control = field(default_factory=Control)
