import math

import pytest
import torch
from torch import nn

from neuromorph.snn.optim.bimu import Bimu


def stepped(latent, gradients, **options):
    params = [nn.Parameter(torch.tensor([v], dtype=torch.float64)) for v in latent]
    for p, g in zip(params, gradients, strict=True):
        p.grad = torch.tensor([g], dtype=torch.float64)
    Bimu(params, **options).step()
    return [p.item() for p in params]


def test_a_step_by_hand():
    t = math.tanh(0.5)
    width, g = 2 * (1 - t * t), 3 * 0.1
    move = -(1.5 * g + 0.5 * width / 40) / (width + 2 * g * t + 2 * g + 1 / 0.2)
    options = {"window": 40, "lr": 1.5, "largest": 0.2, "likelihood": 3.0, "kl": 2.0}
    assert stepped([0.5], [0.1], **options) == pytest.approx([0.5 + move], abs=1e-12)
    mirrored = stepped([-0.5], [-0.1], **options)
    assert mirrored == pytest.approx([-0.5 - move], abs=1e-12)


def test_the_prior_pulls_to_zero_and_an_infinite_window_does_not():
    pulled, driven = stepped([0.8, 0.0], [0.0, 1e-9], window=10)
    assert 0 < pulled < 0.8 and abs(driven) < 1e-6
    assert stepped([0.8, 0.0], [0.0, 1e-9], window=math.inf)[0] == 0.8


def test_nothing_moves_where_every_gradient_is_zero():
    assert stepped([0.8, -0.3], [0.0, 0.0], window=10) == [0.8, -0.3]


def test_a_certain_sign_yields_more_slowly_than_it_grows_more_certain():
    # the bound 2 g t + 2 |g| doubles against the drift and vanishes with it
    options = {"window": math.inf, "lr": 1.0, "largest": 1e3, "likelihood": 1.0, "kl": 0.1}
    towards, away = (abs(stepped([3.0], [g], **options)[0] - 3.0) for g in (-1.0, 1.0))
    assert towards > 5 * away


def test_bad_numbers_are_refused():
    for options in ({"window": 0.0}, {"largest": 0.0}, {"lr": -1.0}, {"kl": math.inf}):
        with pytest.raises(ValueError):
            Bimu([nn.Parameter(torch.zeros(2))], **options)
