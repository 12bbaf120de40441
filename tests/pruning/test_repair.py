"""BatchNorm re-estimation: the statistics of a slow twin, nothing else touched, and what it
brings.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec
from core.models.small import ThesisCNN
from core.pruning.repair import has_batch_norm, reestimate
from tests.reference.repair import statistics


def chain(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(6, 4),
    )
    for module in network:
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.3)
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    network[0].weight.data[:3] = 0  # pruned filters, with their BatchNorm values
    network[1].weight.data[:3] = 0
    network[1].bias.data[:3] = 0
    return network.requires_grad_(False).eval()


def batches(count: int = 3, size: int = 4) -> list[Tensor]:
    draw = torch.Generator().manual_seed(1)
    return list(torch.rand(count, size, 3, 12, 10, generator=draw))


def norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@pytest.mark.parametrize("count", [1, 3])
def test_statistics_are_those_of_the_slow_twin(count: int) -> None:
    network = chain()
    expected = statistics(chain(), batches(count))
    assert reestimate(network, batches(count)) == 4 * count
    for norm, (mean, variance) in zip(norms(network), expected, strict=True):
        assert torch.allclose(norm.running_mean.double(), mean, atol=1e-6)
        assert torch.allclose(norm.running_var.double(), variance, rtol=1e-5, atol=1e-7)


def test_only_running_statistics_change_and_the_mode_is_as_before() -> None:
    network = chain()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    reestimate(network, batches())
    changed = {name for name, values in network.state_dict().items() if not torch.equal(values, before[name])}
    assert changed == {
        f"{place}.{what}" for place in (1, 4) for what in ("running_mean", "running_var", "num_batches_tracked")
    }
    assert not any(module.training for module in network.modules())
    assert {norm.momentum for norm in norms(network)} == {0.1}


def test_pruned_filters_stay_silent() -> None:
    network = chain()
    reestimate(network, batches())
    assert float(network[:2](batches()[0])[:, :3].abs().max()) == 0


def test_memory_shared_with_another_network_is_not_written() -> None:
    network, other = chain(), chain()
    other.load_state_dict(network.state_dict(), assign=True)
    before = {name: values.clone() for name, values in other.state_dict().items()}
    reestimate(network, batches())
    assert all(torch.equal(values, before[name]) for name, values in other.state_dict().items())


def test_it_is_repeatable_and_order_does_not_matter_much() -> None:
    first, second, turned = chain(), chain(), chain()
    reestimate(first, batches())
    torch.manual_seed(99)  # dropout takes no part
    reestimate(second, batches())
    reestimate(turned, batches()[::-1])
    for one, two, three in zip(norms(first), norms(second), norms(turned), strict=True):
        assert torch.equal(one.running_mean, two.running_mean)
        assert torch.equal(one.running_var, two.running_var)
        assert torch.allclose(one.running_var, three.running_var, atol=1e-6)


def test_measured_twice_is_measured_once() -> None:
    once, twice = chain(), chain()
    reestimate(once, batches())
    reestimate(twice, batches(1))
    reestimate(twice, batches())
    assert all(torch.equal(a, b) for a, b in zip(once.state_dict().values(), twice.state_dict().values(), strict=True))


def test_networks_without_batch_norm_are_refused_in_plain_words() -> None:
    assert not has_batch_norm(ThesisCNN())
    with pytest.raises(BadSpec, match="ThesisCNN has no BatchNorm"):
        reestimate(ThesisCNN(), batches())


@pytest.mark.parametrize("few", [[], [torch.rand(1, 3, 12, 10)], [torch.rand(4, 3, 12, 10), torch.rand(1, 3, 12, 10)]])
def test_too_few_images_are_refused_and_nothing_is_changed(few: list[Tensor]) -> None:
    network = chain()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    with pytest.raises(BadSpec, match="2 images"):
        reestimate(network, few)
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert not any(module.training for module in network.modules())
    assert {norm.momentum for norm in norms(network)} == {0.1}
