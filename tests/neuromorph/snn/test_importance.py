import numpy as np
import pytest
import torch
from torch.nn import functional

from neuromorph.snn.baselines import ControlConfig
from neuromorph.snn.importance import switch_increase

torch.set_num_threads(1)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    net = ControlConfig((8, 6, 3), norm="none").build(torch.Generator().manual_seed(0))
    return net, torch.from_numpy(rng.random((20, 8), np.float32)), torch.from_numpy(rng.integers(0, 3, 20))


def test_all_weights_of_one_bin_flipped_is_the_negated_layer(case):
    net, x, y = case
    weight = net.weights()[1]
    kept = weight.detach().clone()
    magnitude, increase, accuracy = switch_increase(net, 1, x, y, np.random.default_rng(0), 1, 2, flips=18)
    assert torch.equal(weight, kept)
    before = functional.cross_entropy(net(x), y)
    after = functional.cross_entropy(-net(x), y)  # the last layer is linear
    np.testing.assert_allclose(increase, ((after - before) / 18).item(), rtol=1e-4)
    assert magnitude[0] == pytest.approx((kept.abs().mean() / kept.abs().max()).item())
    assert accuracy[0, 0] == pytest.approx(((-net(x)).argmax(1) == y).float().mean().item())


def test_bins_are_of_equal_width_and_small_ones_stay_empty(case):
    net, x, y = case
    with torch.no_grad():
        net.weights()[0].view(-1)[:] = torch.cat([torch.full((44,), 0.2), torch.full((4,), 1.0)])
    magnitude, increase, accuracy = switch_increase(net, 0, x, y, np.random.default_rng(0), 4, 3, flips=5)
    np.testing.assert_allclose(magnitude, [0.2, np.nan, np.nan, np.nan], rtol=1e-6)
    assert np.isfinite(increase[0]).all() and np.isnan(increase[1:]).all() and np.isnan(accuracy[1:]).all()


def test_impossible_counts_are_refused(case):
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        switch_increase(*case[:1], 0, *case[1:], np.random.default_rng(0), draws=0)
