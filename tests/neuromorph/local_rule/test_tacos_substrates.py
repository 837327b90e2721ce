"""TACOS in Brian2 and in plain torch: the spikes and the weights of the compiled loops."""

from dataclasses import replace

import numpy as np
import pytest

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.tacos import SUBSTRATES, TacosConfig, TacosLearner
from neuromorph.local_rule import error_neurons, tacos, tacos_brian, tacos_torch
from neuromorph.local_rule.draws import drawn

FLOAT = TacosConfig(12, False, (0.01, 0.02), 10.0, True, (0.3, 0.1), (6.0, 6.0), 6.0, rate=800.0, label_rate=300.0)
FLOAT = replace(FLOAT, dm=(0.1, 0.1), traces=(1.0, 0.5, 0.1), steps=60)
GATHERED = replace(FLOAT, gather=(0.3, 0.1))
FIXED = replace(GATHERED, metaplastic=True, bits=6)
BY_NAME = {"brian2": tacos_brian.present, "torch": lambda *a: tacos_torch.present(*a, "cpu")}


def samples(n):
    """Three classes, each with a third of the inputs."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    active = np.arange(9) // 3 == y[:, None]
    return (active * rng.uniform(0.6, 1, (n, 9))).astype(np.float32), y


def state(learner):
    return np.concatenate([array.ravel() for name in learner.arrays for array in getattr(learner, name)])


@pytest.mark.parametrize("substrate", ["brian2", "torch"])
@pytest.mark.parametrize("config", [FLOAT, GATHERED, FIXED], ids=["float", "gathered", "fixed point, damped"])
def test_the_same_weights_whatever_the_substrate_and_the_cuts(substrate, config):
    (x, y), compiled = samples(8), TacosLearner(9, 3, config, 6)
    other = SUBSTRATES[substrate](9, 3, config, 6)
    before = state(compiled).copy()
    compiled.partial_fit(x, y)
    other.partial_fit(x[:3], y[:3])
    other.partial_fit(x[3:], y[3:])
    np.testing.assert_allclose(state(other), state(compiled), rtol=0, atol=0 if substrate == "brian2" else 1e-5)
    assert (state(compiled) != before).mean() > 0.4 and compiled.m[0].any() and compiled.m[1].any()


@pytest.mark.parametrize("substrate", ["brian2", "torch"])
def test_every_neuron_has_the_same_spikes(substrate):
    learner = TacosLearner(9, 3, FLOAT, 6)
    x, layers, steps = samples(4)[0], error_neurons.layers(4.0, (0.0, 0.0), 1.0), FLOAT.steps
    rates = (tacos.Rates(0.0, 0.0, 1.0, 3.0, 0.0),) * 2
    chances, counts = x, np.arange(4)
    arguments = (rates, learner.w, learner.reference, learner.m, learner.back, np.zeros(3), chances, 0.3, steps)
    found = BY_NAME[substrate](layers, *arguments, np.full(4, -1), (False, False), 7, counts)
    for n, salt in enumerate(error_neurons.salted(7, counts).astype(np.uint32)):
        inputs, units = error_neurons.silent(chances[n]), [error_neurons.at_rest(k) for k in (12, 3)]
        for t in range(steps):
            before, count = inputs.spikes, error_neurons.shown(chances[n], t, tuple(salt), inputs)
            for k, unit in enumerate(units):
                count = error_neurons.fired(layers[k], t, learner.w[k], before, count, unit)
                before = unit.spikes
                np.testing.assert_array_equal(np.flatnonzero(found[k][n, t]), np.sort(before[:count]))
    assert all(spikes.any() for spikes in found)


@pytest.mark.parametrize("gather", [0.0, 2.0])
def test_a_presentation_moves_the_weights_by_the_written_out_sum(gather):
    """-eta exp(-|m w|) sum over steps of S_j U_i, eta so small that no spike depends on it; U decays by a 15th.

    With ``gather`` only what has summed up to it, in units of eta, is in the weight at the end.
    """
    (w, back), x, (key, count, target) = _start(), samples(1)[0][0], (7, 0, 1)
    m, steps, eta = [np.random.default_rng(1).random(a.shape, np.float32) for a in w], FLOAT.steps, 1e-4
    layers, still = error_neurons.layers(1e9, (0.0, 0.0), 1.0), tacos.Rates(0.0, 0.0, 1.0, 3.0, 0.0)
    hidden, output = BY_NAME["torch"](
        layers, (still,) * 2, w, w, m, back, np.zeros(3), x[None], 0.3, steps, np.array([-1]), (False, False), key, [0]
    )
    lit = drawn(key, count, (steps, 9), False) < 2 * x.astype(float) - 1
    told = error_neurons.told(error_neurons.salted(key, [count]), [target], 0.3, steps, 3)[0]
    change, held = ([np.zeros(a.shape) for a in w] for _ in range(2))
    damping = [np.exp(-np.abs(a * b)) for a, b in zip(m, w, strict=True)]
    u, e = [np.zeros(12), np.zeros(3)], np.zeros((2, 3))
    for t in range(steps):
        wrong = output[0, t].astype(float) - told[t]
        e = np.maximum(e + 2.5 * np.stack([wrong, -wrong]), -0.25)
        fired = e >= 2.5
        e -= 2.5 * fired
        push = (fired[0].astype(float) - fired[1]) / 3
        u = [u[0] * 14 / 15 + back @ push, u[1] * 14 / 15 + push]
        for c, g, f, s, v in zip(change, held, damping, (lit[t], hidden[0, t]), u, strict=True):
            g -= f * np.outer(s, v)
            ready = np.abs(g) >= gather
            c[ready] += g[ready]
            g[ready] = 0
    moved = tuple(a.copy() for a in w)
    rates, zeros = (tacos.Rates(eta, 0.0, 1.0, 99.0, 0.0, gather * eta),) * 2, np.zeros(3, np.float32)
    shown = (x, 0.3, steps, target, (True, False), np.uint32(key), np.uint32(count))
    tacos.present(layers, rates, moved, w, m, back, zeros, *shown)
    for after, before, total, left in zip(moved, w, change, held, strict=True):
        assert np.abs(total).max() > 1  # a step is lost where it is below half of the last bit of w: atol
        assert (np.abs(left).max() > 0.5) == (gather > 0)
        np.testing.assert_allclose((after - before) / eta, total, rtol=0.02, atol=0.1)


def _start():
    """Weights and the feedback before anything is learned."""
    learner = TacosLearner(9, 3, FLOAT, 6)
    return learner.w, learner.back


def test_a_benchmark_chooses_the_substrate_in_words():
    for name, kind in SUBSTRATES.items():
        assert isinstance(LearnerWords(f"tacos:substrate={name}", (9, 12, 3))(0), kind)
    with pytest.raises(ValueError, match="no substrate 'lava': choose one of compiled, torch, brian2"):
        LearnerWords("tacos:substrate=lava", (9, 12, 3))(0)
