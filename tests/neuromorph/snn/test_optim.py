import copy

import numpy as np
import pytest
import torch

from neuromorph.snn import Metaplastic


def sheet_update(hidden, grads, lr, m, b1, b2, eps, wd):
    """The published equations, one scalar at a time in plain Python floats."""
    hidden = [list(map(float, row)) for row in hidden]
    for i, row in enumerate(hidden):
        for j, w in enumerate(row):
            mt = vt = 0.0
            for t, grad in enumerate(grads, 1):
                g = float(grad[i][j]) + wd * w
                mt = b1 * mt + (1 - b1) * g
                vt = b2 * vt + (1 - b2) * g**2
                s = lr * (1 - b2**t) ** 0.5 / (1 - b1**t)
                f_meta = 1 - np.tanh(m * abs(w)) ** 2
                den = vt**0.5 + eps
                w = w - s * (f_meta * mt if np.sign(w) * mt > 0 else mt) / den
            row[j] = w
    return np.array(hidden)


@pytest.mark.parametrize("m", [0.0, 1.35, 20.0])
@pytest.mark.parametrize("eps", [1e-8, 0.1])  # a large eps shows where it enters
@pytest.mark.parametrize("wd", [0.0, 0.3])
def test_equals_the_published_equations(m, eps, wd):
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=(4, 5)) * 0.1, rng.normal(size=(30, 4, 5))
    hidden = torch.tensor(start, requires_grad=True)
    optimiser = Metaplastic([hidden], lr=0.02, m=m, betas=(0.8, 0.95), eps=eps, weight_decay=wd)
    for grad in grads:
        hidden.grad = torch.tensor(grad)
        optimiser.step()
    expected = sheet_update(start, grads, 0.02, m, 0.8, 0.95, eps, wd)
    np.testing.assert_allclose(hidden.detach().numpy(), expected, atol=1e-6, rtol=0)
    assert np.abs(expected - start).max() > 0.05


def one_step(hidden, grad, **options):
    param = torch.nn.Parameter(torch.tensor(hidden))
    param.grad = torch.tensor(grad)
    Metaplastic([param], lr=0.1, **options).step()
    return (param.detach() - torch.tensor(hidden)).numpy()


def test_only_steps_towards_a_sign_switch_are_damped():
    hidden, grad = [[0.5, -0.5, 0.5, -0.5]], [[1.0, 1.0, -1.0, -1.0]]
    plain, damped = one_step(hidden, grad), one_step(hidden, grad, m=2.0)
    shrinks = np.array([[True, False, False, True]])
    np.testing.assert_array_equal(damped[~shrinks], plain[~shrinks])
    np.testing.assert_allclose(damped[shrinks], plain[shrinks] * (1 - np.tanh(1.0) ** 2), rtol=1e-5)


def test_condition_uses_the_momentum_and_not_the_gradient():
    hidden = torch.nn.Parameter(torch.tensor([[0.5]], dtype=torch.float64))
    optimiser = Metaplastic([hidden], lr=1e-3, m=5.0, betas=(0.9, 0.0))
    for _ in range(10):
        hidden.grad = torch.full_like(hidden, -1.0)
        optimiser.step()
    before = hidden.item()
    hidden.grad = torch.full_like(hidden, 0.1)  # shrinks; the momentum still grows the weight, so nothing is damped
    optimiser.step()
    momentum = 0.9 * -(1 - 0.9**10) + 0.1 * 0.1
    s = 1e-3 / (1 - 0.9**11)
    np.testing.assert_allclose(hidden.item() - before, -s * momentum / (0.1 + 1e-8), rtol=1e-9)


def test_one_dimensional_parameters_take_plain_steps():
    np.testing.assert_array_equal(one_step([0.5, 2.0], [1.0, 1.0], m=10.0), one_step([0.5, 2.0], [1.0, 1.0]))


def test_groups_have_their_own_m_and_the_state_resumes():
    params = [torch.nn.Parameter(torch.full((1, 1), 0.5)) for _ in range(2)]
    optimiser = Metaplastic([{"params": params[:1], "m": 0.0}, {"params": params[1:], "m": 8.0}], lr=0.01)
    for p in params:
        p.grad = torch.ones_like(p)
    optimiser.step()
    moved = [0.5 - p.item() for p in params]
    assert moved[1] < 0.1 * moved[0]
    twins = [torch.nn.Parameter(p.detach().clone()) for p in params]
    resumed = Metaplastic([{"params": twins[:1]}, {"params": twins[1:]}])
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))  # torch shares the tensors otherwise
    for p in [*params, *twins]:
        p.grad = torch.full_like(p, 0.3)
    optimiser.step()
    resumed.step()
    assert [p.item() for p in params] == [p.item() for p in twins]


@pytest.mark.parametrize("wrong", [{"m": -1.0}, {"lr": float("nan")}, {"betas": (0.9, 1.0)}, {"eps": -1e-8}])
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Metaplastic([torch.nn.Parameter(torch.zeros(1, 1))], **wrong)
