import math

import pytest
import torch
from torch import nn

from neuromorph.snn.optim.bgd import BGD
from neuromorph.snn.optim.mesu import Mesu
from neuromorph.snn.optim.plain import Plain


def stepped(kind, mean, deviation, by_mean, by_deviation, steps=1, **options):
    params = [nn.Parameter(torch.tensor([v], dtype=torch.float64)) for v in (mean, deviation)]
    optimiser = kind(params, **options)
    for _ in range(steps):
        for p, gradient in zip(params, (by_mean, by_deviation), strict=True):
            value = gradient(p.item()) if callable(gradient) else gradient
            p.grad = torch.tensor([value], dtype=torch.float64)
        optimiser.step()
    return params[0].item(), params[1].item()


def test_a_step_of_mesu_by_hand():
    # sigma^2 = .04; mu: .3 - .04 * 2 + .04 * (.1 - .3) / (50 * .25) = .21936
    # sigma: .2 + (-.04 * 3 + .2 * (.25 - .04) / (50 * .25)) / 2 = .14168
    mean, deviation = stepped(Mesu, 0.3, 0.2, 2.0, 3.0, window=50, prior=0.5, prior_mean=0.1)
    assert mean == pytest.approx(0.21936, abs=1e-12) and deviation == pytest.approx(0.14168, abs=1e-12)


def test_rates_scale_the_moves_and_the_clamp_bounds_the_gradients():
    mean, deviation = stepped(Mesu, 0.0, 0.2, 2.0, 3.0, window=math.inf, lr=0.5, lr_deviation=2.0)
    assert (mean, deviation) == pytest.approx((-0.04, 0.08))
    mean, deviation = stepped(Mesu, 0.0, 0.2, 2.0, -3.0, window=math.inf, clamp=0.1)
    assert (mean, deviation) == pytest.approx((-0.04 * 0.5, 0.2 + 0.02 * 0.5))


@pytest.mark.parametrize(("mean", "deviation"), [(0.4, 0.1), (-0.4, 0.1), (0.4, 0.9), (-0.4, 0.9)])
def test_without_a_gradient_both_go_towards_the_prior(mean, deviation):
    after = stepped(Mesu, mean, deviation, 0.0, 0.0, window=20, prior=0.5)
    assert abs(after[0]) < abs(mean) and abs(after[1] - 0.5) < abs(deviation - 0.5)
    after = stepped(Mesu, mean, deviation, 0.0, 0.0, steps=5000, window=20, prior=0.5)
    assert after == pytest.approx((0.0, 0.5), abs=1e-6)


def test_an_infinite_window_forgets_nothing():
    assert stepped(Mesu, 0.3, 0.2, 0.0, 0.0, steps=100, window=math.inf) == (0.3, 0.2)
    near, never = (stepped(Mesu, 0.3, 0.2, 1.0, 0.1, window=w) for w in (1e15, math.inf))
    assert near == pytest.approx(never, rel=1e-12)


def test_the_deviation_settles_where_precision_is_that_of_the_prior_and_n_samples():
    # dC/dsigma = sigma h of a curvature h: 1 / sigma^2 = 1 / sigma_p^2 + N h
    _, deviation = stepped(Mesu, 0.0, 0.3, 0.0, lambda sigma: 2.0 * sigma, steps=3000, window=100, prior=0.5)
    assert 1 / deviation**2 == pytest.approx(4 + 100 * 2, rel=1e-6)


@pytest.mark.parametrize("by_deviation", [-30.0, -0.1, 1e-4, 0.5, 40.0])
def test_bgd_solves_its_variational_fixed_point(by_deviation):
    # the step minimises C + KL(new || old): dC/dsigma = 1 / sigma' - sigma' / sigma^2
    mean, after = stepped(BGD, 0.3, 0.2, 2.0, by_deviation)
    assert mean == pytest.approx(0.3 - 0.04 * 2) and after > 0
    assert 1 / after - after / 0.04 == pytest.approx(by_deviation, rel=1e-9)


def test_bgd_keeps_the_deviation_with_a_wrong_sign_it_would_not():
    grown, shrunk = (stepped(BGD, 0.0, 0.2, 0.0, g)[1] for g in (-3.0, 3.0))
    assert grown * shrunk == pytest.approx(0.04)  # as much up as down; the root subtracted gives less


def test_the_control_moves_the_mean_alone():
    assert stepped(Plain, 0.3, 0.2, 2.0, 3.0, lr=0.01) == pytest.approx((0.28, 0.2))


def test_parameters_come_in_pairs_and_bad_numbers_are_refused():
    params = [nn.Parameter(torch.zeros(n)) for n in (2, 2, 3)]
    for some in (params, params[1:]):
        with pytest.raises(ValueError, match="mean, deviation"):
            Mesu(some)
    for options in ({"window": 0.0}, {"prior": 0.0}, {"lr": -1.0}, {"clamp": math.nan}, {"window": math.nan}):
        with pytest.raises(ValueError):
            Mesu(params[:2], **options)
