"""Rows of layers folded into one: the same numbers as torch, as a kernel wherever one can say it."""

import numpy as np
import pytest
import torch

from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale, composed
from neuromorph.lava.convolution import unrolled


def weight(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(
    ("maps", "kernel"),
    [
        ((Pool((2, 2), (2, 2), True), Convolution(weight(3, 2, 3, 3), weight(3), padding=(1, 1))), True),
        ((Pool((2, 2), (2, 2), False), Scale(weight(2, 1, 1)), Convolution(weight(3, 2, 2, 3), None, (1, 2))), True),
        ((Pool((3, 3), (2, 2), True), Convolution(weight(3, 2, 3, 3), None, padding=(1, 1))), False),  # overlapping
        ((Convolution(weight(4, 1, 3, 3), weight(4), groups=2, dilation=(2, 1)),), True),
        ((Convolution(weight(2, 2, 3, 3), weight(2), padding=(1, 1)), Convolution(weight(3, 2, 2, 2))), True),
        ((Convolution(weight(2, 2, 3, 3), weight(2), padding=(1, 1)), Pool((2, 2), (2, 2), True)), True),
        ((Pool((2, 2), (2, 2), True), Reshape((24,)), Full(weight(5, 24), weight(5))), False),
        ((Scale(weight(2, 6, 8), weight(2, 6, 8)),), False),
    ],
)
def test_composed_layers_are_torchs(maps, kernel):
    shape = (2, 6, 8)
    form = composed(maps, shape)
    x = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    expected = x
    for one in maps:
        expected = one.apply(expected)
    assert form.shape == tuple(expected.shape[1:]) and bool(form.image) == kernel
    matrix = unrolled(form.weights, form.image, form.stride, form.padding).toarray() if form.image else form.weights
    np.testing.assert_allclose(
        x.flatten(1).numpy() @ matrix.T + form.bias, expected.flatten(1).numpy(), rtol=1e-4, atol=1e-5
    )


def test_one_dimension_is_an_image_of_one_row():
    first = Convolution(weight(3, 2, 1, 3), weight(3), (1, 2), (0, 1), flat=True)
    maps = (first, Pool((1, 2), (1, 2), True, flat=True))
    form = composed(maps, (2, 11))
    x = torch.rand(3, 2, 11)
    expected = maps[1].apply(maps[0].apply(x))
    assert form.shape == tuple(expected.shape[1:]) == (3, 3) and form.image == (2, 1, 11)
    np.testing.assert_allclose(
        x.flatten(1).numpy() @ form.matrix().T + form.bias, expected.flatten(1).numpy(), rtol=1e-4, atol=1e-5
    )
