from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from neuromorph.lava.spec import integer_network
from neuromorph.snn import BinaryConv2d, BinaryLinear, SpikingBNN
from neuromorph.snn.baselines import ControlConfig
from neuromorph.snn.weights import REALS, SIGNS, Reals, Signs, Weights, WeightsConfig


class Halved(Weights):
    """Half the sign, times a buffer of each weight, drawn at the start."""

    def __init__(self, shape, generator):
        super().__init__()
        self.register_buffer("scale", torch.rand(shape, generator=generator))

    def forward(self, stored):
        return Signs()(stored) * self.scale / 2


@dataclass(frozen=True)
class HalvedConfig(WeightsConfig):
    def build(self, shape, generator=None):
        return Halved(shape, generator)


def operands():
    generator = torch.Generator().manual_seed(0)
    stored = torch.randn(5, 8, generator=generator)
    stored[0, 0] = 0.0
    return torch.randint(0, 4, (3, 2, 8), generator=generator).float(), stored.requires_grad_()


@pytest.mark.parametrize("form", [Signs(), Reals()])
@pytest.mark.parametrize("largest", [None, 3, 1000])
def test_a_product_is_that_of_the_multiplied_value(form, largest):
    messages, stored = operands()
    value = torch.where(stored >= 0, 1.0, -1.0) if form.signs else stored.detach()
    assert torch.equal(form(stored), value)
    found = form.linear(messages, stored, largest)
    torch.testing.assert_close(found, messages @ value.T)
    weights = torch.arange(30.0).view(3, 2, 5)
    (gradient,) = torch.autograd.grad((found * weights).sum(), stored)
    torch.testing.assert_close(gradient, weights.flatten(0, 1).T @ messages.flatten(0, 1))


@pytest.mark.parametrize("form", [Signs(), Reals()])
@pytest.mark.parametrize("largest", [None, 3])
def test_a_convolution_is_that_of_the_multiplied_value(form, largest):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 4, (2, 3, 6, 7), generator=generator).float()
    stored = torch.randn(4, 3, 3, 3, generator=generator)
    expected = functional.conv2d(images, form(stored), stride=2, padding=1)
    torch.testing.assert_close(form.convolve(images, stored, largest, 2, 1), expected)


def test_a_form_of_one_s_own_enters_every_network_by_its_configuration():
    spiking = SpikingBNN((6, 5, 3), num_steps=4, weights=HalvedConfig(), generator=torch.Generator().manual_seed(0))
    control = ControlConfig((6, 5, 3), weights=HalvedConfig()).build(torch.Generator().manual_seed(0))
    for net in (spiking, control):
        assert "layers.0.form.scale" in net.state_dict()
        for weight, value in zip(net.weights(), net.multiplied(), strict=True):
            assert torch.equal(net.used(weight), value) and value.abs().max() <= 0.5
        net.scores(torch.rand(4, 6)).sum().backward()
        assert all(w.grad is not None for w in net.weights())
    with pytest.raises(ValueError, match="layer 1 multiplies Halved"):
        integer_network(spiking)
    with pytest.raises(ValueError, match="no weight of the network"):
        spiking.used(torch.zeros(2))


def test_layers_draw_the_same_weights_whatever_their_form():
    for layer in (BinaryLinear, BinaryConv2d):
        one, other = (layer(4, 3, *(2,) * (layer is BinaryConv2d), weights=w) for w in (SIGNS, REALS))
        one.reset_parameters(torch.Generator().manual_seed(1))
        other.reset_parameters(torch.Generator().manual_seed(1))
        assert torch.equal(one.weight, other.weight) and torch.equal(other.multiplied(), other.weight)


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("fast", [None, False])
def test_a_gate_silences_units_and_none_costs_nothing(image, fast):
    options = {"image": (1, 4, 5), "convolutions": ((3, 2),), "gains": (4.0, 4.0, 4.0)} if image else {}
    net = SpikingBNN((20, 8, 3), num_steps=5, fast=fast, generator=torch.Generator().manual_seed(0), **options)
    x = torch.rand(6, 20, generator=torch.Generator().manual_seed(1))
    plain = net(x)
    for gate in (torch.arange(8) % 2 == 0, (torch.arange(8) % 2 == 0).float()):
        net.gates[-1] = gate
        hidden = net.record(x)[-2][0]
        assert hidden[..., 1::2].sum() == 0 and hidden[..., ::2].sum() > 0
        assert torch.equal(net(x)[0], net.record(x)[-1][0])
    open_gates = [torch.ones(1, dtype=torch.bool)] * len(net.gates)
    for gates in (open_gates, [None] * len(net.gates)):
        net.gates = gates
        assert all(torch.equal(a, b) for a, b in zip(net(x), plain, strict=True))
    with pytest.raises(ValueError, match="one gate or None"):
        net.gates = [None] * 5


def test_gates_of_a_control_and_of_a_wrapped_spiking_network():
    from neuromorph.snn.baselines import SpikingConfig

    x = torch.rand(6, 20, generator=torch.Generator().manual_seed(1))
    for config in (ControlConfig((20, 8, 3), norm="none"), SpikingConfig((20, 8, 3))):
        net = config.build(torch.Generator().manual_seed(0))
        plain = net(x)
        net.gates = [torch.zeros(8, dtype=torch.bool)]
        assert not torch.equal(net(x), plain)
        net.gates = [None]
        assert torch.equal(net(x), plain)
