import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch._inductor.utils import fresh_inductor_cache

from neuromorph.snn import Metaplastic, compiling
from neuromorph.snn.optim import large


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
    options = {"lr": 0.02, "m": m, "betas": (0.8, 0.95), "eps": eps, "weight_decay": wd}
    expected = sheet_update(start, grads, 0.02, m, 0.8, 0.95, eps, wd)
    found = after(start, grads, published_eps=True, **options)
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=0)
    assert np.abs(expected - start).max() > 0.05
    distance = np.abs(after(start, grads, **options) - expected).max()  # eps as PyTorch places it
    assert distance < 1e-6 if eps == 1e-8 else distance > 1e-3


def test_the_sgd_form_equals_the_published_one():
    """U = gradient: W <- W - lr U f(m, W) where U sign(W) > 0, else W - lr U."""
    rng = np.random.default_rng(1)
    start, grads = rng.normal(size=(4, 5)), rng.normal(size=(30, 4, 5))
    expected = start.copy()
    for u in grads:
        expected -= 0.1 * u * np.where(u * np.sign(expected) > 0, 1 - np.tanh(1.5 * np.abs(expected)) ** 2, 1)
    np.testing.assert_allclose(after(start, grads, lr=0.1, m=1.5, rule="sgd"), expected, atol=1e-12)


def after(start, grads, make=Metaplastic, **options):
    """The parameter after the steps that ``grads`` [step, ...] ask for."""
    param = torch.nn.Parameter(torch.as_tensor(start).clone())
    optimiser = make([param], **options)
    for grad in grads:
        param.grad = torch.as_tensor(grad).clone()
        optimiser.step()
    return param.detach().numpy()


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("wd", [0.0, 0.2])
def test_without_m_it_is_torch_s_own_optimiser(foreach, wd):
    generator = torch.Generator().manual_seed(0)
    start, grads = torch.randn(7, 33, generator=generator), torch.randn(40, 7, 33, generator=generator)
    for options, rival in (
        ({}, torch.optim.Adam),
        ({"decoupled": True}, torch.optim.AdamW),
        ({"rule": "sgd", "momentum": 0.9}, partial(torch.optim.SGD, momentum=0.9)),
        ({"rule": "sgd"}, torch.optim.SGD),
    ):
        common = {"lr": 0.01, "weight_decay": wd, "foreach": foreach}
        ours, theirs = after(start, grads, **common, **options), after(start, grads, rival, **common)
        if rival in (torch.optim.Adam, torch.optim.AdamW):
            np.testing.assert_array_equal(ours, theirs)
        else:  # torch adds lr mu with one rounding, we with two
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
        assert np.abs(ours - start.numpy()).max() > 0.1


SHAPES = (6, 5), (3,), (2, 1, 4, 3), (1, 1)
PATHS = {"foreach": False}, {"foreach": True}, {"compiled": True}


def walk(which, dtype=torch.float32, transposed=False, **options):
    """Parameters of several shapes after 12 steps, by each of the paths: one by one, all at once, compiled."""
    found = []
    for path in which:
        generator = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(s, generator=generator).to(dtype)) for s in SHAPES]
        if transposed:
            params = [torch.nn.Parameter(p.detach().transpose(0, -1)) for p in params]
        optimiser = Metaplastic(params, lr=0.05, m=2.0, **options, **path)
        for step in range(12):
            for k, p in enumerate(params):
                if step or k:  # one parameter joins later: its step count is its own
                    p.grad = torch.randn(p.shape, generator=generator).to(dtype)
            optimiser.step()
        found.append(params)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"weight_decay": 0.1, "relative": True},
        {"dtype": torch.float64, "weight_decay": 0.1, "decoupled": True, "transposed": True},
        {"rule": "sgd", "momentum": 0.8},
        {"variance": "layer", "relative": True, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_all_paths_make_the_same_steps(options):
    one_by_one, *others = walk(PATHS, **options)
    assert not compiling.failed
    for other in others:
        for a, b in zip(one_by_one, other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transposed", [False, True])
def test_large_tensors_are_updated_in_parts_with_the_same_bits(transposed, monkeypatch):
    (whole,) = walk(PATHS[:1], transposed=transposed, weight_decay=0.1, relative=True)
    monkeypatch.setattr(large, "PART", 7)
    (parts,) = walk(PATHS[:1], transposed=transposed, weight_decay=0.1, relative=True)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_low_precision_parameters_stay_finite():
    for params in walk(PATHS[:2], torch.bfloat16):
        assert all(p.isfinite().all() and p.dtype == torch.bfloat16 for p in params)


def test_without_a_compiler_it_says_so_once_and_runs_uncompiled(monkeypatch, caplog):
    start, grads = torch.randn(3, 4), torch.randn(5, 3, 4)
    torch._dynamo.reset()
    compiling.kernel.cache_clear()
    no_compiler = torch._inductor.config.patch({"cpp.cxx": (None, "/no/such/compiler")})
    monkeypatch.setattr(compiling, "failed", {})
    with no_compiler, fresh_inductor_cache():
        found = after(start, grads, m=3.0, compiled=True)
    assert sum("torch.compile does not work" in r.message for r in caplog.records) == 1
    np.testing.assert_array_equal(found, after(start, grads, m=3.0))
    torch._dynamo.reset()
    compiling.kernel.cache_clear()


def test_relative_m_counts_in_units_of_the_layer_s_mean_and_is_free_of_scale():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, 6, generator=generator, dtype=torch.float64)
    grads = torch.randn(20, 5, 6, generator=generator, dtype=torch.float64)
    first = after(start, grads[:1], lr=0.1, m=2.0, relative=True)
    np.testing.assert_allclose(first, after(start, grads[:1], lr=0.1, m=2.0 / float(start.abs().mean())), rtol=1e-12)
    large = after(1000 * start, grads, lr=100.0, m=2.0, relative=True)
    np.testing.assert_allclose(large, 1000 * after(start, grads, lr=0.1, m=2.0, relative=True), rtol=1e-9)
    assert np.isfinite(after(torch.zeros(2, 2), torch.ones(3, 2, 2), m=2.0, relative=True)).all()


def test_the_layer_s_variance_is_one_number_and_keeps_the_shape_of_the_gradient():
    """Adam with the mean of g^2 over the tensor, in plain numpy; a weight without gradient then stands still."""
    rng = np.random.default_rng(2)
    start, grads = rng.normal(size=(4, 5)), rng.normal(size=(6, 4, 5)) * np.logspace(-3, 0, 5)
    expected, mu, nu = start.copy(), np.zeros((4, 5)), 0.0
    for t, g in enumerate(grads, 1):
        mu, nu = 0.9 * mu + 0.1 * g, 0.999 * nu + 0.001 * (g**2).mean()
        expected -= 0.02 * mu / (1 - 0.9**t) / (np.sqrt(nu / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(after(start, grads, lr=0.02, variance="layer"), expected, atol=1e-12)
    moved = np.abs(expected - start).mean(0)
    assert moved[0] < 0.01 * moved[-1]  # Adam would move them alike
    param = torch.nn.Parameter(torch.ones(4, 5))
    optimiser = Metaplastic([param], variance="layer")
    param.grad = torch.ones(4, 5)
    optimiser.step()
    assert optimiser.state[param]["exp_avg_sq"].shape == ()


def test_decoupled_decay_reaches_protected_weights_and_coupled_decay_does_not():
    start, none = torch.full((1, 1), 2.0), torch.zeros(100, 1, 1)
    options = {"lr": 0.1, "m": 20.0, "weight_decay": 0.1}
    assert after(start, none, **options) == 2.0
    np.testing.assert_allclose(after(start, none, decoupled=True, **options), 2 * 0.99**100, rtol=1e-5)


def test_a_gradient_scaler_skips_infinite_steps_and_changes_no_other():
    generator = torch.Generator().manual_seed(0)
    start, x = torch.randn(3, 4, generator=generator), torch.randn(6, 4, generator=generator)
    found = []
    for scaled in (False, True):
        param = torch.nn.Parameter(start.clone())
        optimiser = Metaplastic([param], lr=0.1, m=2.0)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=scaled)
        for k, sample in enumerate(x):
            loss = (param @ sample).square().sum()
            if k == 3:  # this step's gradient is infinite
                if not scaled:
                    continue
                loss = loss * float("inf")
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
        found.append((param.detach(), optimiser.state[param]["step"].item()))
    assert found[0][1] == found[1][1] == 5
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=1e-6)
    assert (found[0][0] - start).abs().min() > 0


def test_goes_on_from_the_state_of_adam():
    start, grads = torch.randn(3, 4), torch.randn(8, 3, 4)
    param = torch.nn.Parameter(start.clone())
    adam = torch.optim.Adam([param], lr=0.01)
    for grad in grads[:4]:
        param.grad = grad
        adam.step()
    ours = Metaplastic([param], m=0.0)
    ours.load_state_dict(adam.state_dict())
    for grad in grads[4:]:
        param.grad = grad
        ours.step()
    np.testing.assert_array_equal(param.detach().numpy(), after(start, grads, torch.optim.Adam, lr=0.01))


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"m": -1.0},
        {"m": float("inf")},
        {"lr": float("nan")},
        {"betas": (0.9, 1.0)},
        {"eps": -1e-8},
        {"momentum": float("nan")},
        {"weight_decay": -1.0},
        {"rule": "rmsprop"},
        {"variance": "network"},
    ],
    ids=str,
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Metaplastic([torch.nn.Parameter(torch.zeros(1, 1))], **wrong)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Metaplastic([{"params": [torch.nn.Parameter(torch.zeros(1, 1))], **wrong}])


def test_complex_parameters_and_sparse_gradients_are_refused():
    with pytest.raises(ValueError, match="a complex parameter has no sign"):
        Metaplastic([torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))])
    table = torch.nn.Embedding(4, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(ValueError, match="sparse gradients are not supported"):
        Metaplastic(table.parameters()).step()


@pytest.mark.parametrize("compiled", [False, True])
def test_relative_m_and_the_layer_s_variance_do_not_depend_on_the_number_of_threads(compiled):
    generator = torch.Generator().manual_seed(0)
    start, grads = torch.randn(700, 800, generator=generator), torch.randn(3, 700, 800, generator=generator)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(after(start, grads, m=3.0, relative=True, variance="layer", compiled=compiled))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_a_parameter_without_elements_is_let_alone():
    empty = torch.nn.Parameter(torch.zeros(3, 0))
    empty.grad = torch.zeros(3, 0)
    Metaplastic([empty], m=3.0, relative=True, variance="layer").step()
    assert empty.shape == (3, 0)
