"""What a user may write between layers: the same spikes, or a refusal; never other spikes without a word."""

import pytest
import snntorch
import torch
from torch import nn

from neuromorph.importers.graph import simulate
from neuromorph.importers.modules import from_module


class Loop(nn.Module):
    """Two populations; ``between`` is what a case does in a step."""

    def __init__(self, between, start=0.0):
        super().__init__()
        self.between, self.start = between, start
        self.fc1, self.fc2 = nn.Linear(8, 6), nn.Linear(6, 6)
        self.lif1, self.lif2 = (snntorch.Leaky(0.9, reset_mechanism="zero") for _ in range(2))
        self.gain = nn.Parameter(torch.rand(1, 6))
        with torch.no_grad():
            self.fc1.weight.abs_().mul_(4)
            self.fc2.weight.mul_(3)

    def forward(self, x):
        rest = torch.zeros(x.shape[1], 6)
        spk, mem1, mem2, out = rest, rest + self.start, rest, []
        for step in range(len(x)):
            spk, spk2, mem1, mem2 = self.between(self, x, step, spk, mem1, mem2)
            out.append(spk2)
        return torch.stack(out)


def step(net, current, mem1, mem2, second=None):
    spk, mem1 = net.lif1(current, mem1)
    spk2, mem2 = net.lif2((second or net.fc2)(spk), mem2)
    return spk, spk2, mem1, mem2


def added_in_place(net, x, t, spk, mem1, mem2):
    current = net.fc1(x[t])
    current += 0.3 - spk
    return step(net, current, mem1, mem2)


def multiplied_in_place(net, x, t, spk, mem1, mem2):
    current = net.fc1(x[t])
    current *= 0.3
    return step(net, current, mem1, mem2)


def twice(net, x, t, spk, mem1, mem2):
    current = net.fc1(x[t])
    return step(net, current - 0.4 * current, mem1, mem2, lambda s: net.gain * net.fc2(1 - s))


def own_matrix(net, x, t, spk, mem1, mem2):
    return step(net, net.fc1(x[t]) - spk @ net.fc2.weight, mem1, mem2)


def unbound(net, x, t, spk, mem1, mem2):
    return step(net, net.fc1(list(x)[t]), mem1, mem2)


@pytest.mark.parametrize("between", [added_in_place, multiplied_in_place, twice, own_matrix, unbound])
def test_what_is_linear_is_followed_bit_for_bit(between):
    torch.manual_seed(1)
    net, x = Loop(between), torch.rand(12, 3, 8)
    graph = from_module(net)
    with torch.no_grad():
        expected = net(x) > 0
    assert expected.any() and torch.equal(simulate(graph, x).spikes["lif2"], expected)


def written_into(net, x, t, spk, mem1, mem2):
    current = net.fc1(x[t])
    current[:, :3] = 0
    return step(net, current, mem1, mem2)


CASES = {
    "torch.relu": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]), a, b, lambda s: n.fc2(s).relu_()),
    "an assignment to a part": written_into,
    "torch.chunk": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]).chunk(1, 1)[0], a, b),
    "each part a Linear of its own": lambda n, x, t, s, a, b: step(n, torch.cat([n.fc1(x[t])], 1), a, b),
    "lif1: at step 0 it is given other values": lambda n, x, t, s, a, b: step(n, n.fc1(x[t] + x[t - 1]), a, b),
    "lif1: at step 1 it is given other": lambda n, x, t, s, a, b: step(n, n.fc1(x[max(t - 1, 0)]), a, b),
    "a factor that depends on the step": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]) * 0.8**t, a, b),
    "other numbers for each sample": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]) + torch.rand(len(s), 6), a, b),
    "lif1: at step 1 its membrane": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]) * 1e-3, a * 0.5, b),
    "lif2: at step 0 its membrane": lambda n, x, t, s, a, b: step(n, n.fc1(x[t]), a, a + 1),
    "lif1 is called more than once": lambda n, x, t, s, a, b: (
        s, *n.lif1(n.fc2(n.lif1(n.fc1(x[t]), a)[0]), b), n.lif2(n.fc1(x[t]), b)[1]
    ),
    "lif2 is called 50 times while lif1 is called 100": lambda n, x, t, s, a, b: (
        step(n, n.fc1(x[t]), a, b) if t % 2 else (n.lif1(n.fc1(x[t]), a)[0], s, a, b)
    ),
}  # fmt: skip


@pytest.mark.parametrize("sentence", CASES)
def test_what_no_chip_does_is_refused_by_name(sentence):
    torch.manual_seed(1)
    with pytest.raises(ValueError, match=sentence):
        from_module(Loop(CASES[sentence]))


def test_a_membrane_that_starts_elsewhere_is_refused():
    torch.manual_seed(1)
    with pytest.raises(ValueError, match="lif1: at step 0 its membrane"):
        from_module(Loop(lambda n, x, t, s, a, b: step(n, n.fc1(x[t]), a, b), start=0.8))
