"""Descriptions tell configurations apart; samples are checked once, with one sentence."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from fusi_models import MarkovSynapse, cascade
from neuromorph.learner import checked_labels, checked_samples, described


@dataclass(frozen=True)
class Config:
    rate: float = 0.1
    sizes: tuple[int, ...] = (3, 2)
    table: dict | None = None


def test_two_large_matrices_that_differ_in_one_number_have_two_texts():
    """numpy's own text of a large array leaves out its middle."""
    synapse = cascade(20)  # 40 states
    other = synapse.potentiation.copy()
    other[20] = other[21]
    twin = MarkovSynapse(other, synapse.depression, synapse.strength, name=synapse.name)
    assert repr(synapse) == repr(twin) and str(synapse) == str(twin)
    assert described("L", synapse=synapse) != described("L", synapse=twin)
    assert described("L", synapse=synapse) == described("L", synapse=cascade(20))


def test_every_part_of_a_configuration_counts_and_nothing_else():
    config = Config(table={"a": np.arange(3)})
    others = [
        replace(config, rate=0.2),
        replace(config, sizes=(3, 2, 2)),
        replace(config, table={"a": np.arange(3.0)}),
        replace(config, table={"b": np.arange(3)}),
        replace(config, table={"a": torch.arange(3, dtype=torch.int32)}),
        replace(config, table=None),
    ]
    assert len({described("L", config=one) for one in [config, *others]}) == 7
    assert described("L", c=config) == described("L", c=replace(config, table={"a": torch.arange(3)}))
    assert described("L", n=np.int64(4), s={"b", "a"}, f=np.mean) == "L(n=4, s={'a', 'b'}, f=numpy.mean)"
    assert described("L", n=4) == described("L", n=4.0) != described("L", n=True)


@pytest.mark.parametrize("value", [object(), lambda: 0])
def test_what_cannot_be_told_is_refused(value):
    with pytest.raises(TypeError, match="cannot be described: make it a dataclass"):
        described("L", value=value)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([["a", "b"]], "x must hold numbers, got <U1"),
        ([[1.0], [1.0, 0.0]], "x is no array of samples"),
        (np.full((2, 2), np.nan), "x holds nan to nan in place of finite numbers"),
        ([[0.0, np.inf]], r"x holds 0.0 to inf in place of finite numbers in \[0, 1\]"),
        (0.5, r"x has shape \(\): give samples of shape \(2,\), that is \[n, 2\], 2 features each"),
        (np.zeros((1, 2, 1)), r"x has shape \(1, 2, 1\)"),
        (torch.zeros(1, 2, requires_grad=True), "x is no array of samples"),
    ],
)
def test_wrong_samples_are_refused_in_one_sentence(x, message):
    with pytest.raises(ValueError, match=message):
        checked_samples(x, (2,))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["0", "1"], "whole numbers, got <U1"),
        ([0.0, 1.0], "whole numbers, got float64"),
        ([True, False], "whole numbers, got bool"),
        ([0, 3], r"run from 0 to 3: this learner has classes 0\.\.2"),
        ([-1, 2], "run from -1 to 2"),
        ([0], r"y has shape \(1,\) but x has 2 samples: give 2 integer labels"),
    ],
)
def test_wrong_labels_are_refused_in_one_sentence(y, message):
    with pytest.raises(ValueError, match=message):
        checked_labels(y, (2,), 3)


def test_right_samples_come_back_in_the_shape_and_type_asked_for():
    images = np.linspace(0, 1, 8, dtype=np.float64).reshape(2, 2, 2)
    found = checked_samples(images, (4,), flat=True, dtype=np.float32)
    assert found.dtype == np.float32 and found.shape == (2, 4)
    assert checked_samples(np.zeros((0, 4)), (4,)).shape == (0, 4)
    labels = checked_labels(np.array([[0, 2]], np.uint8), (1, 2), 3)
    assert labels.dtype == np.int64 and labels.tolist() == [[0, 2]]
