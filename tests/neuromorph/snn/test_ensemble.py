import pytest
import torch
from torch.nn import functional

from neuromorph.snn import Ensemble, SpikingBNN


def networks(count=3, **options):
    seeds = [torch.Generator().manual_seed(k) for k in range(count)]
    return [SpikingBNN((20, 16, 5), num_steps=6, generator=seed, **options) for seed in seeds]


@pytest.mark.parametrize(("encoding", "fast"), [("current", False), ("rate", False), ("current", True)])
def test_each_replica_spikes_and_learns_as_alone(encoding, fast):
    nets = networks(encoding=encoding, fast=fast)
    x = torch.rand(7, 3, 20, generator=torch.Generator().manual_seed(0))
    y = torch.arange(21).view(7, 3) % 5
    together = Ensemble(nets)
    spk, mem = together(x)
    assert spk.shape == mem.shape == (6, 7, 3, 5) and spk.sum() > 0
    (functional.cross_entropy(together.readout(spk, mem).flatten(0, 1), y.flatten()) * 3).backward()
    gradients = [p.grad.clone() for p in together.parameters()]
    together.zero_grad()
    for k, net in enumerate(nets):
        alone = net(x[:, k])
        assert torch.equal(alone[0], spk[:, :, k]) and torch.equal(alone[1], mem[:, :, k])
        functional.cross_entropy(net.readout(*alone), y[:, k]).backward()
    for found, p in zip(gradients, together.parameters(), strict=True):
        error = 0.01 if fast else 1e-4  # gradients of 8 bits
        torch.testing.assert_close(found, p.grad, rtol=error, atol=error * p.grad.abs().max().item())


def test_wrong_use_is_named():
    with pytest.raises(ValueError, match="same configuration"):
        Ensemble([*networks(1), *networks(1, beta=0.5)])
    with pytest.raises(ValueError, match="without a norm"):
        Ensemble(networks(norm="batch-running"))
    with pytest.raises(ValueError, match="3 replicas"):
        Ensemble(networks())(torch.zeros(7, 2, 20))
