import copy

import numpy as np
import pytest
import snntorch
import torch
from torch import nn

from neuromorph import data, lava, streams
from neuromorph.lava.reference import simulate
from neuromorph.snn.fine_tuning import Levels, chip_aware, settled

STEPS = 6


def network(beta=0.9, **options):
    torch.manual_seed(0)
    first, second = (snntorch.Leaky(beta, **{"reset_mechanism": "zero", **options}) for _ in range(2))
    return nn.Sequential(nn.Linear(64, 20), first, nn.Linear(20, 10), second)


def run(net, x):
    """A user's loop: spikes of both layers and output membranes, [time, batch, neuron]."""
    first = second = None
    records = []
    for _ in range(STEPS):
        spk1, first = net[1](net[0](x), first if first is not None else torch.zeros(len(x), 20))
        spk2, second = net[3](net[2](spk1), second if second is not None else torch.zeros(len(x), 10))
        records.append((spk1, spk2, second))
    return [torch.stack(one) for one in zip(*records, strict=True)]


def learn(net, x, y, epochs, optimiser):
    for _ in range(epochs):
        for some in torch.arange(len(x)).split(30):
            _, spikes, membranes = run(net, x[some])
            optimiser.zero_grad()
            nn.functional.cross_entropy(spikes.sum(0) + membranes.mean(0), y[some]).backward()
            optimiser.step()


def digits(count):
    x, y = data.load("digits").train
    return torch.from_numpy(x[:count].reshape(-1, 64)), torch.from_numpy(y[:count])


@pytest.mark.parametrize(("bits", "levels"), [(8, 255), (4, 15), (2, 3), (1, 2)])
def test_weights_are_few_multiples_of_one_step_and_the_nearest(bits, levels):
    stored = torch.randn(30, 40, generator=torch.Generator().manual_seed(0)).requires_grad_()
    form = Levels(bits, stored)
    made = form(stored)
    multiples = (made / form.step).round()
    assert torch.allclose(made, multiples * form.step) and len(multiples.unique()) <= levels
    if bits > 1:
        inside = stored.abs() < form.largest * form.step
        assert ((made - stored)[inside].abs() <= form.step / 2 + 1e-6).all()
    made.sum().backward()
    assert torch.equal(stored.grad, torch.ones_like(stored))


@pytest.mark.parametrize("bits", [8, 4, 2, 1])
def test_what_is_trained_is_what_the_chip_runs(bits):
    """Spikes of the copy, and in integers; thresholds and biases are rounded at the scale that ``deploy`` finds."""
    x, _ = digits(20)
    tuned = chip_aware(network(threshold=0.3), bits, input_bits=4)
    spk1, spk2, _ = run(tuned, x)
    deployment = lava.deploy(
        settled(tuned), x.numpy(), num_steps=STEPS, encoding="current", input_bits=4, weight_bits=bits
    )
    assert all("exact" in one.scale and one.weight_error < 1e-5 for one in deployment.origin.layers)
    for ours, record in zip((spk1, spk2), simulate(deployment.spec, x.numpy()), strict=True):
        assert ours.any() and np.array_equal(ours.detach().numpy().astype(bool), record.spikes)


def test_training_goes_on_over_tasks_without_a_boundary_and_brings_coarse_weights_back():
    net = network()
    x, y = digits(200)
    learn(net, x, y, 8, torch.optim.Adam(net.parameters(), 5e-3))

    def right(one):
        return float((run(one, x)[1].sum(0).argmax(1) == y).float().mean())

    tuned = chip_aware(net, 2, input_bits=4)
    before = right(tuned)
    optimiser = torch.optim.Adam(tuned.parameters(), 2e-3)  # one for all tasks
    for task in streams.from_datasets([(x[::2], y[::2]), (x[1::2], y[1::2])], test_share=0.05):
        learn(tuned, *map(torch.from_numpy, task.train), 4, optimiser)
    assert before < right(net) - 0.1 and right(tuned) > before + 0.08
    assert right(settled(tuned)) > before + 0.08  # on the user's own neurons
    assert not torch.equal(settled(tuned)[0].weight, net[0].weight)


def test_the_copy_leaves_the_users_network_alone():
    net = network()
    kept = copy.deepcopy(net.state_dict())
    tuned = chip_aware(net, 4)
    with torch.no_grad():
        tuned[0].layer.weight.add_(1)
    assert all(torch.equal(kept[name], value) for name, value in net.state_dict().items())
    assert sorted(settled(tuned).state_dict()) == sorted(net.state_dict())


@pytest.mark.parametrize(
    ("net", "how", "said"),
    [
        (network(reset_mechanism="subtract"), {}, "module 1, a Leaky, resets by 'subtract': the chip resets to zero"),
        (network(beta=torch.full((20,), 0.9)), {}, "module 1, a Leaky, has no single beta"),
        (network(init_hidden=True), {}, "is no plain snntorch.Leaky whose state the loop keeps"),
        (nn.Sequential(snntorch.Leaky(0.9, reset_mechanism="zero")), {}, "follows no Linear or Conv layer"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), {}, "module 1 is a BatchNorm1d: only Linear and Conv"),
        (network(), {"weight_bits": 9}, "weight_bits must lie in 1..8"),
    ],
)
def test_what_has_no_place_on_the_chip_is_refused_by_name(net, how, said):
    with pytest.raises(ValueError, match=said):
        chip_aware(net, **{"weight_bits": 8, **how})


def test_numbers_stay_whole():
    """Membranes come back in the user's units and are whole in the chip's."""
    tuned = chip_aware(network(), 4, input_bits=4)
    _, _, membranes = run(tuned, digits(5)[0])
    units = membranes.detach().double().numpy() * tuned[3].unit
    np.testing.assert_allclose(units, np.rint(units), atol=0.02)
