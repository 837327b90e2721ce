"""The tutorial network of ``experiments/tutorial_network.py``: its loop, and its training, at a small size."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from neuromorph.importers.graph import simulate
from neuromorph.importers.modules import from_module

PAGE = runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "tutorial_network.py"))


def images(count):
    """Ten prototypes with noise, in [0, 1]."""
    rng = np.random.default_rng(0)
    prototypes, y = rng.random((10, 784)) < 0.15, rng.integers(0, 10, count)
    x = np.where(rng.random((count, 784)) < 0.1, rng.random((count, 784)) < 0.15, prototypes[y])
    return x.astype(np.float32), y


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_its_loop_makes_the_spikes_of_the_imported_network(reset):
    net, x = PAGE["network"](reset, 0), torch.from_numpy(images(5)[0])
    with torch.no_grad():
        net[3].weight.mul_(5)  # so that outputs spike before training
        spikes, _ = PAGE["run"](net, x)
    graph = from_module(net)
    found = simulate(graph, x.expand(len(spikes), *x.shape)).spikes[graph.neurons[-1].name]
    assert found.any() and torch.equal(found, spikes > 0)


@pytest.mark.parametrize("kind", ["zero, counts", "zero, membranes"])
def test_it_learns_what_its_loss_is_of(kind):
    x, y = images(1100)
    net = PAGE["trained"](kind, x[:-100], y[:-100], 0)
    with torch.no_grad():
        spikes, membranes = PAGE["run"](net, torch.from_numpy(x[-100:]))
    read = spikes if kind == "zero, counts" else membranes
    assert (read.sum(0).argmax(1).numpy() == y[-100:]).mean() > 0.5  # chance .1
