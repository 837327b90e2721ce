"""Devices: two exact levels are the sign bit for bit; levels, pulses, spread, drift and wear by hand."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, run, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.memristor import devices_of, memristive, protection
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn import BinaryLinear, NetworkConfig
from neuromorph.snn.baselines import ControlConfig
from neuromorph.snn.memristor import FEW, MemristorConfig, passed
from neuromorph.snn.optim.metaplastic import Metaplastic

torch.set_num_threads(1)
STREAM = streams.permuted(data.load("digits").limited(200, 100), 2, 0)


def layer(inputs=200, outputs=100, **options):
    return BinaryLinear(inputs, outputs, weights=MemristorConfig(**options), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("network", [ControlConfig((64, 12, 10)), NetworkConfig((64, 12, 10), num_steps=3)])
def test_two_levels_without_noise_are_the_binary_network_bit_for_bit(network):
    ours, theirs = (
        ComposedLearner(TrainingConfig(replace(network, weights=w), Metaplasticity(m=20.0), batch=20))
        for w in (MemristorConfig(reach=0.3), replace(network).weights)
    )
    for learner in (ours, theirs):
        run.learn_stream(learner, STREAM, progress=False)
    assert all(map(torch.equal, ours.network.weights(), theirs.network.weights()))
    assert all(map(torch.equal, ours.network.multiplied(), theirs.network.multiplied()))
    assert sum(int(form.writes.sum()) for form in devices_of(ours)) > 0


def test_a_number_on_a_boundary_has_the_level_above_as_the_sign_of_0_is_1():
    one = layer(levels=2)
    with torch.no_grad():
        one.weight.zero_()
    assert (one.multiplied() == 1).all()


def test_a_stored_number_has_the_nearest_level_and_the_gradient_passes():
    one = layer(levels=5, reach=2.0)
    with torch.no_grad():
        one.weight.uniform_(-3, 3, generator=torch.Generator().manual_seed(1))
    levels = torch.linspace(-1, 1, 5)
    used = one.multiplied()
    nearest = levels[(one.weight.detach()[..., None] / 2 - levels).abs().argmin(-1)]
    assert torch.equal(used, nearest)
    used.mul(3).sum().backward()
    assert (one.weight.grad == 3).all()


@pytest.mark.parametrize("count", (1, FEW, FEW + 1))
def test_boundaries_passed_are_counted_with_those_that_are_met(count):
    boundaries = torch.linspace(-1, 1, count)
    drawn = torch.randn(1000, generator=torch.Generator().manual_seed(2))
    numbers = torch.cat([boundaries, drawn, torch.tensor([-0.0])])
    assert torch.equal(passed(numbers, boundaries).long(), (numbers[:, None] >= boundaries).sum(-1))


def test_spread_of_a_level_and_of_a_read():
    means, spreads = (-1.0, 0.2, 1.0), (0.1, 0.3, 0.02)
    one = layer(levels=3, means=means, spreads=spreads, reach=0.05)
    used = one.multiplied().detach()
    for k in range(3):
        some = used[one.form.level == k].numpy()
        assert abs(some.mean() - means[k]) < 5 * spreads[k] / np.sqrt(len(some))
        assert abs(some.std() / spreads[k] - 1) < 5 / np.sqrt(2 * len(some))
    assert torch.equal(one.multiplied(), used)  # nothing was programmed anew
    noisy = layer(levels=3, read_noise=0.1)
    error = (noisy.multiplied() - noisy.form.value).detach().numpy()
    assert abs(error.std() / 0.1 - 1) < 5 / np.sqrt(2 * error.size)


def test_pulses_are_counted_and_fail_as_often_as_said():
    one = layer(levels=4, up_failed=0.25, down_failed=0.5)
    with torch.no_grad():
        one.weight.fill_(-1.0)
        one.multiplied()
        one.weight.fill_(1.0)  # three pulses up
        one.multiplied()
    n = one.weight.numel()
    assert (one.form.writes == 3).all()
    assert one.form.level.float().mean().item() == pytest.approx(3 * 0.75, abs=5 * np.sqrt(3 * 0.75 * 0.25 / n))
    before = one.form.level.float().mean().item()
    with torch.no_grad():
        one.weight.fill_(-1.0)
        one.multiplied()
    assert one.form.level.float().mean().item() == pytest.approx(before / 2, abs=0.05)


def test_a_worn_device_and_a_stuck_one_stay_where_they_are():
    one = layer(levels=2, endurance=3, stuck=0.2)
    stuck = one.form.stuck.clone()
    assert stuck.float().mean().item() == pytest.approx(0.2, abs=5 * np.sqrt(0.16 / stuck.numel()))
    levels = []
    with torch.no_grad():
        for k in range(6):
            one.weight.fill_(1.0 if k % 2 else -1.0)
            levels.append((one.multiplied(), one.form.level.clone())[1])
    assert all((now[stuck] == levels[0][stuck]).all() for now in levels)
    assert one.form.writes.max() == 3 and one.form.stuck.all()
    assert (levels[-1][~stuck] == 1).all()  # the third pulse went up, and was the last


def test_no_pulse_is_given_beyond_the_endurance():
    """Five levels at once want four pulses; of three that are left the last one is the end, a level short."""
    one = layer(levels=5, endurance=3)
    with torch.no_grad():
        for stored in (-1.0, 1.0, -1.0):
            one.weight.fill_(stored)
            one.multiplied()
    assert (one.form.writes == 3).all() and one.form.stuck.all() and (one.form.level == 3).all()


def test_values_decay_with_their_age_in_updates():
    one = layer(levels=2, drift=0.5)
    with torch.no_grad():
        one.weight[0] = 1.0
        for k in range(3):
            one.weight[1:] = 1.0 if k % 2 else -1.0
            used = one.multiplied()
    assert torch.allclose(used[0], torch.tensor(3.0**-0.5)) and torch.equal(used[1:], -torch.ones_like(used[1:]))


def test_m_counts_from_the_nearest_boundary():
    """Three levels, boundaries at -1/2 and 1/2, half a distance 1/2: f = 1 - tanh^2(m |W - b| / (1/2))."""
    start = [0.4, 0.9, -0.7, 0.1]
    hidden = torch.nn.Parameter(torch.tensor([start], dtype=torch.float64))
    hidden.grad = torch.tensor([[-1.0, 1.0, 1.0, -1.0]], dtype=torch.float64)
    Metaplastic([hidden], lr=0.01, m=1.5, rule="sgd", levels=3).step()
    damped = [1 - np.tanh(1.5 * d / 0.5) ** 2 for d in (0.1, 0.4, 0.2, 0.4)]
    expected = [0.4 + 0.01 * damped[0], 0.9 - 0.01 * damped[1], -0.7 - 0.01, 0.1 + 0.01 * damped[3]]
    np.testing.assert_allclose(hidden.detach()[0].numpy(), expected, rtol=1e-12)


def test_a_saved_state_goes_on_with_the_same_draws():
    devices = MemristorConfig(4, spread=0.1, read_noise=0.1, up_failed=0.3, down_failed=0.1, drift=0.1, stuck=0.1)
    learner = memristive((64, 12, 10), devices, protection(devices, m=1.0), 20)
    learner.partial_fit(*STREAM[0].train)
    learner.predict(STREAM[0].test[0])
    twin = memristive((64, 12, 10), devices, protection(devices, m=1.0), 20)
    twin.load_state_dict(copy.deepcopy(learner.state_dict()))
    for one in (learner, twin):
        one.partial_fit(*STREAM[1].train)
    np.testing.assert_array_equal(learner.predict(STREAM[0].test[0]), twin.predict(STREAM[0].test[0]))
    assert all(map(torch.equal, learner.network.state_dict().values(), twin.network.state_dict().values()))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"levels": 1}, "levels must be"),
        ({"up_failed": 1.5}, "up_failed must lie between 0 and 1"),
        ({"drift": float("nan")}, "drift must be a finite number of at least 0, got nan"),
        ({"reach": 0.0}, "reach must be a finite number above 0"),
        ({"drift": 1000.0}, "drift must be at most 10, got 1000"),
        ({"means": (0.0, 1.0, 2.0)}, "one number for each of 2 levels"),
        ({"levels": 40000}, "levels must be at most 32767"),
        ({"means": (1.0, 0.0)}, "and rise"),
        ({"means": (float("nan"), 1.0)}, "means of the levels must be finite"),
        ({"spreads": (-0.1, 0.1)}, "spreads of the levels must be finite and not negative"),
        ({"spreads": (0.1, float("nan"))}, "spreads of the levels must be finite"),
    ],
)
def test_impossible_devices_are_one_sentence(options, match):
    with pytest.raises(ValueError, match=match):
        MemristorConfig(**options)


def test_a_network_without_devices_has_none():
    with pytest.raises(ValueError, match="no memristive devices"):
        devices_of(ComposedLearner(TrainingConfig(ControlConfig((4, 2)))))
