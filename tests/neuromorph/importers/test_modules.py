"""A user's snnTorch module as a graph: the same spikes bit for bit, and refusals that name the layer."""

import pytest
import snntorch as snn
import torch
from torch import nn

from neuromorph import lava
from neuromorph.importers.graph import simulate
from neuromorph.importers.modules import from_module

STEPS, BATCH = 12, 3


def raster(*shape):
    return (torch.rand(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(1)) < 0.4).float()


def stepped(net, x):
    """What the modules of a Sequential make of ``x``, one step after the other, with explicit states."""
    states, outputs = [()] * len(net), []
    with torch.no_grad():
        for frame in x:
            for place, module in enumerate(net):
                if isinstance(module, snn.SpikingNeuron):
                    frame, *state = module(frame, *states[place])
                    keeps_spikes = isinstance(module, snn.RLeaky | snn.RSynaptic)
                    states[place] = (frame, *state) if keeps_spikes else tuple(state)
                else:
                    frame = module(frame)
            outputs.append(frame.flatten(1))
    return torch.stack(outputs) > 0


def equal(net, *shape):
    torch.manual_seed(0)
    net.eval()
    x = raster(*shape)
    graph = from_module(net, shape)
    found = simulate(graph, x).spikes[graph.neurons[-1].name]
    expected = stepped(net, x)
    assert expected.any()
    assert torch.equal(found, expected)
    return graph


@pytest.mark.parametrize("reset", ["zero", "subtract", "none"])
@pytest.mark.parametrize("late", [True, False])
def test_every_reset_of_every_neuron_is_bit_exact(reset, late):
    how = {"reset_mechanism": reset, "reset_delay": late, "threshold": 0.4}
    torch.manual_seed(2)
    betas = torch.rand(9)
    layers = [nn.Linear(12, 9), nn.Linear(9, 9), nn.Linear(9, 9), nn.Linear(9, 4)]
    neurons = [
        snn.Leaky(betas, **how),
        snn.RLeaky(0.9, linear_features=9, **how),
        snn.Synaptic(0.6, 0.8, **how),
        snn.RSynaptic(0.5, 0.7, all_to_all=False, V=torch.randn(4), reset_mechanism=reset, threshold=0.1),
    ]
    graph = equal(nn.Sequential(*[one for both in zip(layers, neurons, strict=True) for one in both]), 12)
    known = {"zero": ("zero", "hold"), "subtract": ("subtract", "subtract now"), "none": ("none",)}[reset]
    assert {one.reset for one in graph.neurons} <= set(known)
    assert [one.source == one.target for one in graph.connections].count(True) == 2


def test_convolutions_pooling_and_norms_are_bit_exact():
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1, groups=2),
        nn.BatchNorm2d(6),
        snn.Leaky(0.9, threshold=0.3),
        nn.AvgPool2d(2),
        nn.Dropout(0.5),
        nn.Conv2d(6, 4, (3, 2), dilation=(2, 1), stride=(1, 2), padding=1),
        snn.Leaky(0.5, threshold=0.1),
        nn.Flatten(),
        nn.Linear(32, 5),
        snn.Leaky(0.8, threshold=0.1),
    )
    net[1].running_mean.normal_()
    net[1].running_var.uniform_(0.5, 2)
    graph = equal(net, 2, 8, 12)
    assert graph.about == ("module 4: dropped, as in evaluation",)


class Skipping(nn.Module):
    """A loop over time of its own, recurrence and a skip by hand."""

    def __init__(self):
        super().__init__()
        self.fc1, self.rec, self.fc2, self.skip = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 4), nn.Linear(12, 4)
        self.lif1, self.lif2 = snn.Leaky(0.9, threshold=0.3), snn.Leaky(0.9, threshold=0.3)

    def forward(self, x):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spk1, record = torch.zeros(x.shape[1], 8), []
        for step in range(x.size(0)):
            current = self.fc1(x[step].view(x.size(1), -1)) + self.rec(spk1)
            spk1, mem1 = self.lif1(current, mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1) * 0.5 + self.skip(x[step]), mem2)
            record.append(spk2)
        return torch.stack(record), mem2


def test_a_class_with_a_loop_recurrence_and_a_skip_is_traced():
    torch.manual_seed(4)
    net, x = Skipping(), raster(12)
    net.train()
    graph = from_module(net)
    assert net.training  # and left as it was
    ends = [(one.source, one.target) for one in graph.connections]
    assert ends == [("input", "lif1"), ("lif1", "lif1"), ("lif1", "lif2"), ("input", "lif2")]
    with torch.no_grad():
        assert torch.equal(simulate(graph, x).spikes["lif2"], net(x)[0] > 0)


def test_a_layer_after_the_last_neuron_is_read_by_a_membrane():
    graph = from_module(nn.Sequential(nn.Linear(5, 4), snn.Leaky(0.9), nn.Linear(4, 3)))
    assert graph.neurons[-1].threshold is None and graph.neurons[-1].name == "readout"
    assert "added up in a membrane" in graph.about[0]


@pytest.mark.parametrize(
    ("layers", "shape", "sentence"),
    [
        ([nn.Linear(4, 4), nn.Softmax(-1), snn.Leaky(0.9)], (4,), "module 1 is a Softmax, which is not linear"),
        ([nn.Conv2d(1, 2, 3), snn.Leaky(0.9)], None, "cannot be read off Sequential: give input_shape"),
        ([nn.MaxPool2d(2), snn.Leaky(0.9)], (1, 4, 4), "module 0 is a MaxPool2d: .* AvgPool2d"),
        ([nn.AvgPool2d(2, padding=1), snn.Leaky(0.9)], (1, 4, 4), "module 0: padding=1"),
        ([nn.Linear(4, 2), snn.Leaky(0.9)], (2, 4), r"module 0 is a Linear on \(2, 4\), .* nn.Flatten\(\)"),
        ([nn.Linear(4, 2), snn.Leaky(torch.rand(3))], (4,), "does not run on samples of shape"),
        ([nn.BatchNorm1d(4, track_running_stats=False), snn.Leaky(0.9)], (4,), "module 0 normalises by the batch"),
    ],
)
def test_a_refusal_names_the_layer_and_what_works(layers, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_module(nn.Sequential(*layers), shape)


def test_a_layer_of_a_users_own_is_asked_for_its_matrix():
    class Signs(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x, torch.sign(self.weight), self.bias)

    equal(nn.Sequential(Signs(6, 5), snn.Leaky(0.9), nn.Linear(5, 3), snn.Leaky(0.5, threshold=0.2)), 6)


class ALIF(snn.Leaky):
    """A user's own adaptive neuron."""


def test_an_adaptive_threshold_is_refused_with_what_works_and_that_works():
    with pytest.raises(ValueError, match=r"module 1 is a ALIF; .* inhibits itself slows down .* train with RLeaky"):
        from_module(nn.Sequential(nn.Linear(4, 3), ALIF(0.9)))
    counts = []
    for strength in (0.0, -0.5):
        own = snn.RLeaky(0.9, all_to_all=False, V=strength, reset_mechanism="zero", reset_delay=False)
        net = nn.Sequential(nn.Linear(4, 3), own)
        with torch.no_grad():
            net[0].weight.fill_(0.3)
        deployment = lava.deploy(net, torch.ones(STEPS, 1, 4).numpy(), num_steps=STEPS)
        assert deployment.spec.stock
        counts.append(deployment.reference(torch.ones(STEPS, 1, 4).numpy()).sum())
    assert 0 < counts[1] < counts[0]


class Loop(nn.Module):
    """Two populations that send to each other; ``late``: every spike takes a step, else one way it takes none."""

    def __init__(self, late):
        super().__init__()
        how = {"reset_mechanism": "zero", "threshold": 0.3}
        self.late, self.into = late, nn.Linear(6, 4)
        self.there, self.back = nn.Linear(4, 3, bias=False), nn.Linear(3, 4, bias=False)
        self.first, self.second = snn.Leaky(0.9, **how), snn.Leaky(0.8, **how)

    def forward(self, x):
        spk1, mem1, mem2 = *torch.zeros(2, x.shape[1], 4), torch.zeros(x.shape[1], 3)
        spk2, out = torch.zeros_like(mem2), []
        for frame in x:
            before = spk1
            spk1, mem1 = self.first(self.into(frame) + self.back(spk2), mem1)
            spk2, mem2 = self.second(self.there(before if self.late else spk1), mem2)
            out.append(spk2)
        return torch.stack(out)


@pytest.mark.parametrize("late", [True, False])
def test_populations_in_a_loop_are_refused_with_the_one_population_that_does_the_same(late):
    net = Loop(late)
    with pytest.raises(ValueError, match="first is given spikes of second from 1 step before.* make .* one population"):
        from_module(net)
    both = snn.RLeaky(torch.tensor([0.9] * 4 + [0.8] * 3), linear_features=7, threshold=0.3, reset_mechanism="zero",
                      reset_delay=False)  # fmt: skip
    into = nn.Linear(6, 7)
    with torch.no_grad():
        for each in (into.weight, into.bias, both.recurrent.weight, both.recurrent.bias):
            each.zero_()
        into.weight[:4], into.bias[:4] = net.into.weight, net.into.bias
        both.recurrent.weight[4:, :4], both.recurrent.weight[:4, 4:] = net.there.weight, net.back.weight
        x = raster(6)
        expected = net(x) > 0
    graph = from_module(nn.Sequential(into, both))
    found = simulate(graph, x).spikes[graph.neurons[-1].name][..., 4:]
    assert expected.any() and torch.equal(found, expected) == late
