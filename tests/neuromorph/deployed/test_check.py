"""What a check says of its samples, without Lava: the ways are the reference's own spikes."""

import numpy as np
import pytest

from neuromorph import lava
from neuromorph.deployed.case import Case
from neuromorph.deployed.check import Check, Drive
from neuromorph.lava.reference import simulate

WEIGHTS = np.array([[1, 1], [1, -1]], np.int8)


def check(threshold, moved=(), exact=True):
    """Of three samples on two outputs; ``moved``: places (time, sample, output) at which a way differs."""
    spec = lava.NetworkSpec((lava.LayerSpec(WEIGHTS, threshold, 0),), 4, 0)
    x = np.zeros((4, 3, 2), np.float32)
    x[:, 0], x[:, 1, 0] = 1, 1
    reference = simulate(spec, x)
    spikes = reference[0].spikes.copy()
    for place in moved:
        spikes[place] ^= True
    case = Case(lava.deploy(spec), x, np.array([0, 0, 1]), [(spikes, reference[0].membranes)], "mine", exact)
    return Check(case, reference, {"mine": (spikes,)}, Drive("", [0, 0]))


def test_samples_without_an_output_spike_are_told():
    assert "1 of 3 samples have no output spike" in "".join(check(1).lines())  # the third one has no input
    assert "3 of 3 samples have no output spike" in "".join(check(100).lines())


def test_accuracy_is_of_the_counts_and_a_spike_that_differs_is_counted_and_fails():
    found = check(1)
    assert found.equal and found.differing == {"mine": [0]}
    assert found.accuracy == {"integer reference, spike counts": "0.6667", "mine, spike counts": "0.6667"}
    assert found.content()["neuron_steps"] == 4 * 3 * 2 and found.content()["samples"] == 3
    wrong = check(1, [(0, 2, 1)])
    assert not wrong.equal and wrong.differing == {"mine": [1]}
    assert wrong.accuracy["mine, spike counts"] == "1.0000"  # the third sample's label is 1


@pytest.mark.parametrize("exact", [True, False])
def test_what_quantising_moved_is_no_fault(exact):
    assert check(1, [(0, 2, 1)], exact).equal != exact
    assert ("spikes of the mine, by layer" in "\n".join(check(1, exact=exact).lines())) != exact
