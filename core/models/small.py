"""The thesis CNN: 2,324 prunable weights and 22 biases (Lukkien; protocols: see
core/protocols/lukkien/protocol.py).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.base.draws import torch_generator


class ThesisCNN(nn.Module):
    """Conv(1->4, 3x3) ReLU MaxPool2, Conv(4->8, 3x3) ReLU MaxPool2, Flatten(200), Linear(200->10).

    Every step is a module, so that a heatmap can be made before or after an activation, or after
    the pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1, self.pool1 = nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2, self.pool2 = nn.Conv2d(4, 8, 3), nn.ReLU(), nn.MaxPool2d(2)
        self.fc = nn.Linear(200, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, 10) for images (N, 1, 28, 28) in [0, 1]."""
        h = self.pool1(self.relu1(self.conv1(images)))
        h = self.pool2(self.relu2(self.conv2(h)))
        return self.fc(h.flatten(1))


def initialise(network: ThesisCNN, seed: int) -> ThesisCNN:
    """Draw Kaiming normal weights and PyTorch's default biases (OpenLTH's defaults; our reading)
    from a separate generator.
    """
    generator = torch_generator("init", seed)
    for layer in (network.conv1, network.conv2, network.fc):
        fan_in = layer.weight[0].numel()
        assert layer.bias is not None
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * (2.0 / fan_in) ** 0.5)
            bound = fan_in**-0.5
            layer.bias.copy_(torch.rand(layer.bias.shape, generator=generator) * 2 * bound - bound)
    return network


class StackedThesisCNN(nn.Module):
    """Several thesis CNNs side by side in one grouped network, so that seeds train together.

    Their outputs and gradients are independent. Parameters have the single network's names with a
    leading axis of S networks, so that state dicts are stacked with a stack and separated with an
    index.

    Args:
        states: state dicts of the S networks.
    """

    def __init__(self, states: list[dict[str, Tensor]]) -> None:
        super().__init__()
        self.networks = len(states)
        self.stacked = nn.ParameterDict(
            {name.replace(".", "_"): nn.Parameter(torch.stack([state[name] for state in states])) for name in states[0]}
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (S, N, 10) for images (N, S, 28, 28): each network gets its own channel."""
        p, groups = self.stacked, self.networks
        h = F.conv2d(images, p["conv1_weight"].flatten(0, 1), p["conv1_bias"].flatten(), groups=groups)
        h = F.relu(F.max_pool2d(h, 2))
        h = F.conv2d(h, p["conv2_weight"].flatten(0, 1), p["conv2_bias"].flatten(), groups=groups)
        h = F.relu(F.max_pool2d(h, 2))
        h = h.reshape(len(images), groups, -1).transpose(0, 1)
        return torch.baddbmm(p["fc_bias"].unsqueeze(1), h, p["fc_weight"].transpose(1, 2))

    def states(self) -> list[dict[str, Tensor]]:
        """Return the state dicts of the single networks, on the CPU."""
        whole = {name: self.stacked[name.replace(".", "_")].detach().cpu() for name in ThesisCNN().state_dict()}
        return [{name: values[index].clone() for name, values in whole.items()} for index in range(self.networks)]
