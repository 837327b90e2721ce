import numpy as np
import pytest
import torch

from neuromorph.snn import Metaplastic
from neuromorph.snn.optim.beakers import Beakers

G, A = (0.05, 0.02, 0.01, 0.004), (1.0, 2.0, 4.0, 8.0)
SHAPE = (4, 6)


def plain_loop(start, grads, lr, g, areas, feedback, m, decay, b1=0.9, b2=0.999, eps=1e-8):
    """The equations of one weight after another; returns all levels [beaker, ...]."""
    n, levels = len(areas), np.stack([start] * len(areas))
    for index in np.ndindex(start.shape):
        u, mu, nu = [start[index]] * n, 0.0, 0.0
        for t, grad in enumerate(grads[(slice(None), *index)], 1):
            gradient = grad + decay * u[0]
            mu, nu = b1 * mu + (1 - b1) * gradient, b2 * nu + (1 - b2) * gradient**2
            step = lr * np.sqrt(1 - b2**t) / (1 - b1**t) * mu / (np.sqrt(nu) + eps)
            old = [*u, 0.0]
            pull = feedback * (old[n - 1] - old[0]) if (old[n - 1] - old[0]) * np.sign(old[n - 1]) > 0 else 0.0
            u[0] = old[0] - step + g[0] / areas[0] * (old[1] - old[0]) + pull
            for k in range(1, n):
                inflow = g[k - 1] / areas[k] * (old[k - 1] - old[k])
                if k == n - 1 and (old[k - 1] - old[k]) * old[k] < 0:
                    inflow *= 1 - np.tanh(m * old[k]) ** 2
                u[k] = old[k] + inflow + g[k] / areas[k] * (old[k + 1] - old[k])
        levels[(slice(None), *index)] = u
    return levels


def run(start, grads, **options):
    hidden = torch.nn.Parameter(torch.from_numpy(start).clone())
    optimiser = Beakers([hidden], **options)
    for grad in grads:
        hidden.grad = torch.from_numpy(grad).clone()
        optimiser.step()
    levels = optimiser.state[hidden].get("levels")
    return hidden.detach().numpy(), None if levels is None else levels.numpy()


@pytest.mark.parametrize("beakers", [2, 3, 4])
@pytest.mark.parametrize(("feedback", "m", "decay"), [(0.0, 0.0, 0.0), (0.03, 0.0, 1e-3), (0.03, 20.0, 0.0)])
def test_equals_a_plain_loop_of_the_equations(beakers, feedback, m, decay):
    rng = np.random.default_rng(beakers)
    start, grads = (
        rng.uniform(-0.05, 0.05, SHAPE),
        rng.normal(0.3, 1, (200, *SHAPE)) * np.repeat([1, -1], 100)[:, None, None],
    )
    g, areas = G[:beakers], A[:beakers]
    hidden, levels = run(start, grads, lr=0.005, couplings=g, areas=areas, feedback=feedback, m=m, weight_decay=decay)
    expected = plain_loop(start, grads, 0.005, g, areas, feedback, m, decay)
    np.testing.assert_allclose(hidden, expected[0], atol=1e-6)
    np.testing.assert_allclose(levels, expected[1:], atol=1e-6)


def test_metaplasticity_keeps_the_last_beaker_up():
    rng = np.random.default_rng(0)
    grads = np.concatenate([-np.ones((300, *SHAPE)), np.ones((300, *SHAPE))])
    start = rng.uniform(-0.05, 0.05, SHAPE)
    options = {"couplings": (0.1, 0.05), "areas": (1.0, 1.0), "feedback": 0.0}
    free, kept = (run(start, grads, m=m, **options)[1][-1] for m in (0.0, 5.0))
    assert (kept > free).all()


def test_no_coupling_is_adam():
    rng = np.random.default_rng(1)
    start, grads = rng.uniform(-0.05, 0.05, SHAPE), rng.normal(0, 1, (20, *SHAPE))
    hidden, levels = run(start, grads, couplings=(0.0, 0.0), areas=(1.0, 1.0), feedback=0.0)
    twin = torch.nn.Parameter(torch.from_numpy(start).clone())
    adam = Metaplastic([twin], lr=0.005, published_eps=True)
    for grad in grads:
        twin.grad = torch.from_numpy(grad).clone()
        adam.step()
    np.testing.assert_allclose(hidden, twin.detach(), atol=1e-12)
    np.testing.assert_array_equal(levels[0], start)


def test_one_dimensional_parameters_have_no_chain():
    rng = np.random.default_rng(1)
    start, grads = rng.uniform(-0.05, 0.05, 6), rng.normal(0, 1, (20, 6))
    hidden, levels = run(start, grads)
    assert levels is None
    np.testing.assert_array_equal(hidden, run(start, grads, feedback=0.5)[0])


def test_state_is_saved_and_goes_on():
    rng = np.random.default_rng(2)
    start, grads = rng.uniform(-0.05, 0.05, SHAPE), rng.normal(0, 1, (10, *SHAPE))
    whole = run(start, grads)[0]
    hidden = torch.nn.Parameter(torch.from_numpy(start).clone())
    first = Beakers([hidden])
    for k, grad in enumerate(grads):
        if k == 5:
            second = Beakers([hidden])
            second.load_state_dict(first.state_dict())
            first = second
        hidden.grad = torch.from_numpy(grad).clone()
        first.step()
    np.testing.assert_array_equal(hidden.detach(), whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"couplings": (0.1,), "areas": (1.0,)}, "at least 2 beakers"),
        ({"couplings": (0.1, 0.1), "areas": (1.0,)}, "one coupling and one area"),
        ({"couplings": (0.1, -0.1), "areas": (1.0, 1.0)}, "must not be negative"),
        ({"areas": (1.0, 2.0, 0.0, 8.0)}, "areas positive"),
        ({"m": -1.0}, "m must be a finite number of at least 0"),
        ({"betas": (0.9, 1.0)}, "betas"),
    ],
)
def test_impossible_chains_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Beakers([torch.nn.Parameter(torch.zeros(2, 2))], **options)
