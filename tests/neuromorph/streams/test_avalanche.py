"""Runs where avalanche-lib is installed, which this project does not ask for."""

import importlib.util

import numpy as np
import pytest

from neuromorph import streams

installed = pytest.mark.skipif(importlib.util.find_spec("avalanche") is None, reason="avalanche-lib is not installed")
NAMES = {"permuted-digits": [0, 0, 0], "split-class-digits": [0, 0, 0, 0, 0], "split-task-digits": [0, 1, 2, 3, 4]}


@installed
@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_is_the_same_stream(name):
    stream = streams.by_name(name, len(NAMES[name]), 1, 100, 50)
    benchmark = streams.to_avalanche(stream)
    assert [one.task_label for one in benchmark.train_stream] == NAMES[name]
    assert benchmark.train_stream[1].dataset[0][0].shape == stream.shape
    said = stream.scenario if stream.scenario == "task" else None
    back = streams.from_avalanche(benchmark, scenario=said, outputs=stream.outputs)
    assert (len(back), back.scenario, back.outputs, back.shape) == (
        len(stream),
        stream.scenario,
        stream.outputs,
        stream.shape,
    )
    for ours, theirs in zip(stream, back, strict=True):
        for a, b in zip((*ours.train, *ours.test), (*theirs.train, *theirs.test), strict=True):
            np.testing.assert_array_equal(a, b)


@installed
def test_avalanche_learns_a_stream_of_ours():
    import torch
    from avalanche.models import SimpleMLP
    from avalanche.training.supervised import Naive

    benchmark = streams.to_avalanche(streams.by_name("split-class-digits", 5, 0, 200, 100))
    model = SimpleMLP(num_classes=10, input_size=64)
    learner = Naive(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), 0.1),
        criterion=torch.nn.CrossEntropyLoss(),
        train_epochs=10,
        evaluator=None,
    )
    learner.train(benchmark.train_stream[0])
    x, y = (torch.stack([torch.as_tensor(one[k]) for one in benchmark.test_stream[0].dataset]) for k in (0, 1))
    assert (model.eval()(x).argmax(1) == y).float().mean() > 0.9


@pytest.mark.skipif(importlib.util.find_spec("avalanche") is not None, reason="avalanche-lib is installed")
def test_without_avalanche_one_sentence():
    with pytest.raises(ImportError, match="avalanche-lib is not installed"):
        streams.to_avalanche(streams.by_name("permuted-digits", 2, 0, 20, 10))
