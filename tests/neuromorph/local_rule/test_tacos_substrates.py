"""TACOS in Brian2 and in plain torch: the spikes and the weights of the compiled loops."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from brian2.utils.logger import catch_logs

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.tacos import SUBSTRATES, TacosConfig, TacosLearner
from neuromorph.local_rule import error_neurons, tacos, tacos_brian, tacos_torch
from neuromorph.local_rule.devices import Devices
from neuromorph.local_rule.draws import drawn

FLOAT = TacosConfig(12, False, (0.01, 0.02), 10.0, True, (0.3, 0.1), (6.0, 6.0), 6.0, rate=800.0, label_rate=300.0)
FLOAT = replace(FLOAT, dm=(0.1, 0.1), traces=(1.0, 0.5, 0.1), steps=60)
FIXED = replace(FLOAT, metaplastic=True, bits=6)
DEVICES = replace(FLOAT, metaplastic=True, alpha=(0.0, 0.0), devices=Devices(3), gather=(0.3, 0.1))
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
@pytest.mark.parametrize("config", [FLOAT, FIXED, DEVICES], ids=["float", "fixed point, damped", "devices"])
def test_the_same_weights_whatever_the_substrate_and_the_cuts(substrate, config):
    (x, y), compiled = samples(8), TacosLearner(9, 3, config, 6)
    other = SUBSTRATES[substrate](9, 3, config, 6)
    before = state(compiled).copy()
    compiled.partial_fit(x, y)
    with catch_logs() as warned:
        other.partial_fit(x[:3], y[:3])
        other.partial_fit(x[3:], y[3:])
    assert not warned  # Brian2 doubts the order of synapses where it thinks that a function has a state
    np.testing.assert_allclose(state(other), state(compiled), rtol=0, atol=0 if substrate == "brian2" else 1e-5)
    assert (state(compiled) != before).mean() > 0.4 and compiled.m[0].any() and compiled.m[1].any()


@pytest.mark.parametrize("substrate", ["brian2", "torch"])
def test_every_neuron_has_the_same_spikes(substrate):
    learner = TacosLearner(9, 3, FLOAT, 6)
    x, layers, steps = samples(4)[0], error_neurons.layers(4.0, (0.0, 0.0), 1.0), FLOAT.steps
    rates = (tacos.Rates(0.0, 0.0, 1.0, 3.0, 0.0),) * 2
    chances, counts = x, np.arange(4)
    none = tuple(tacos.Cells(r, np.zeros(1, int), (np.zeros(0, np.float32),) * 2) for r in learner.r)
    fixed = (rates, learner.w, learner.reference, learner.m, none, learner.back)
    arguments = (*fixed, np.zeros(3), chances, 0.3, steps)
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


@pytest.mark.parametrize("devices", [False, True])
def test_a_presentation_moves_the_weights_by_the_written_out_sum(devices):
    """-eta exp(-|m w|) S_j U_i in every step, of the spikes of torch; U decays by a 15th.

    With devices a sum of .3 (.1) moves the device in turn to the next level, 8 exact ones here.
    """
    config = replace(DEVICES, devices=Devices(3, 8, 0.0)) if devices else replace(DEVICES, devices=None)
    learner, (x, key, count, target), rates = TacosLearner(9, 3, config, 6), (samples(1)[0][0], 7, 0, 1), []
    m, steps = [np.random.default_rng(1).random(a.shape, np.float32) for a in learner.w], config.steps
    for k in range(2):
        scale = Devices(3, 8).scale(config.w_max[k])
        rates.append(tacos.Rates(config.eta[k], 0.0, 1.0, 6.0, 0.0, devices * config.gather[k], scale))
    levels = [np.round(1 / r) for r in learner.r]
    cells = [tacos.Cells(r, n, Devices(3, 8).table) for r, n in zip(learner.r, learner.turns, strict=True)]
    before, w = ([a.astype(float) for a in learner.w] for _ in range(2))
    network = (learner.w, learner.reference, m, cells, learner.back)
    layers, twin = error_neurons.layers(1e9, (0.0, 0.0), 1.0), deepcopy(network)
    fixed = (layers, rates, *network)
    hidden, output = BY_NAME["torch"](
        *fixed, np.zeros(3), x[None], 0.3, steps, np.array([target]), (True, False), key, [count]
    )
    lit = drawn(key, count, (steps, 9), False) < 2 * x.astype(float) - 1
    told = error_neurons.told(error_neurons.salted(key, [count]), [target], 0.3, steps, 3)[0]
    u, e, turns, g = [np.zeros(12), np.zeros(3)], np.zeros((2, 3)), [0, 0], [np.zeros(a.shape) for a in w]
    for t in range(steps):
        wrong = output[0, t].astype(float) - told[t]
        e = np.maximum(e + 2.5 * np.stack([wrong, -wrong]), -0.25)
        fired = e >= 2.5
        e -= 2.5 * fired
        push = (fired[0].astype(float) - fired[1]) / 3
        u = [u[0] * 14 / 15 + learner.back @ push, u[1] * 14 / 15 + push]
        for k, spikes in enumerate((lit[t], hidden[0, t])):
            step = -config.eta[k] * np.exp(-np.abs(m[k] * w[k])) * np.outer(spikes, u[k])
            if not devices:
                w[k] = np.clip(w[k] + step, -6, 6)
                continue
            g[k] += step
            ready = np.abs(g[k]) >= config.gather[k]
            levels[k][..., turns[k] % 3] = np.clip(levels[k][..., turns[k] % 3] + ready * np.sign(g[k]), 1, 8)
            w[k][ready] = (levels[k].sum(-1) - 3)[ready] * 2 * config.w_max[k] / 21 - config.w_max[k]
            g[k][ready], turns[k] = 0, turns[k] + ready.any()
    moved, reference, m, copies, back = twin
    shown = (np.zeros(3, np.float32), x, 0.3, steps, target, (True, False), np.uint32(key), np.uint32(count))
    tacos.present(layers, tuple(rates), moved, reference, tuple(m), tuple(copies), back, *shown)
    for k in range(2):
        assert (np.abs(w[k] - before[k]) > 0.2).sum() > 3
        np.testing.assert_allclose(learner.w[k], w[k], atol=1e-4)
        np.testing.assert_allclose(moved[k], w[k], atol=1e-4)
        np.testing.assert_allclose(1 / learner.r[k], levels[k], rtol=1e-6)
        assert cells[k].turn[0] == turns[k] and (turns[k] > 3) == devices


def test_a_benchmark_chooses_the_substrate_in_words():
    for name, kind in SUBSTRATES.items():
        assert isinstance(LearnerWords(f"tacos:substrate={name}", (9, 12, 3))(0), kind)
    with pytest.raises(ValueError, match="no substrate 'lava': choose one of compiled, torch, brian2"):
        LearnerWords("tacos:substrate=lava", (9, 12, 3))(0)
