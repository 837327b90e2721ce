"""TACOS: each mechanism by itself, and a step by hand."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.tacos import PEER, PEER_FASHION, TacosConfig, TacosLearner, TorchTacosLearner
from neuromorph.local_rule.devices import Devices

SMALL = TacosConfig(30, steps=100, eta=(0.3, 0.1), traces=(2.0, 1.0, 1.0))


def samples(n, seed=0):
    """Two classes, each with its own half of the inputs."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    active = (np.arange(20) // 10 == y[:, None]) * 0.8
    return (active * rng.uniform(0.5, 1, (n, 20))).astype(np.float32), y


def learned(config, n=100):
    learner = TacosLearner(20, 2, config)
    learner.partial_fit(*samples(n))
    return learner


def test_two_classes_are_learned():
    (x, y), learner = samples(60, 1), learned(SMALL, 200)
    assert (learner.predict(x) == y).mean() > 0.9


def test_without_metaplasticity_m_is_not_looked_at_and_with_it_large_weights_of_large_m_stay():
    frozen = TacosLearner(20, 2, SMALL)
    for m in frozen.m:
        m[:] = 1e6
    before = [w.copy() for w in frozen.w]
    frozen.partial_fit(*samples(20))
    moved = [np.abs(w - b)[np.abs(b) > 1e-3].max() for w, b in zip(frozen.w, before, strict=True)]
    assert max(moved) == 0
    free = TacosLearner(20, 2, replace(SMALL, metaplastic=False))
    for m in free.m:
        m[:] = 1e6
    free.partial_fit(*samples(20))
    plain = TacosLearner(20, 2, replace(SMALL, metaplastic=False))
    plain.partial_fit(*samples(20))
    assert all((a == b).all() for a, b in zip(free.w, plain.w, strict=True))
    assert any((w != b).any() for w, b in zip(plain.w, before, strict=True))


def test_drift_alone_decays_to_the_reference():
    """alpha = 1/2: a unit that spikes n times leaves 2^-n of the distance; nothing else moves the weight."""
    config = replace(SMALL, eta=(0.0, 0.0), alpha=(0.5, 0.5), tau_ref=1e12, w_init=2.5)
    learner = TacosLearner(20, 2, config)
    for reference in learner.reference:
        reference += 0.1
    start = learner.w[0].copy()
    learner.partial_fit(*samples(1))
    left = (learner.reference[0] - learner.w[0]) / (learner.reference[0] - start)
    spikes = np.round(-np.log2(left.mean(0)))
    assert spikes.max() >= 1 and spikes.min() == 0
    np.testing.assert_allclose(left, np.broadcast_to(0.5**spikes, left.shape), rtol=1e-3, atol=1e-5)


def test_the_reference_follows_slowly():
    learner = learned(replace(SMALL, alpha=(1e-9, 1e-9), tau_ref=1.0), 1)
    for w, reference in zip(learner.w, learner.reference, strict=True):
        np.testing.assert_allclose(reference, w, atol=1e-6)


def test_neuromodulation_consolidates_right_answers_only():
    quiet = replace(SMALL, w_init=1e-6, eta=(0.0, 0.0), traces=(-1.0, -1.0, -1.0))  # no output spike, so no answer
    assert not any(m.any() for m in learned(replace(quiet, modulated=True), 5).m)
    grown = learned(quiet, 5).m
    np.testing.assert_allclose(grown[0], 5 * quiet.dm[0], rtol=1e-5)
    assert 0 < learned(replace(SMALL, modulated=True)).m[0].sum() < learned(SMALL).m[0].sum()


def test_what_is_gathered_in_a_presentation_is_forgotten_at_its_end():
    """A sum that no presentation reaches moves no device, however many there are; one that a few steps reach learns."""
    config = replace(SMALL, devices=Devices(7, 10, 0.05), eta=(0.7, 0.007), gather=(1e3, 1e3))
    still = learned(config)
    assert all((a == b).all() for a, b in zip(still.w, TacosLearner(20, 2, config).w, strict=True))
    (x, y), some = samples(60, 1), learned(replace(config, gather=(0.1, 0.002)), 200)
    assert (some.predict(x) == y).mean() > 0.9
    for w, r, w_max in zip(some.w, some.r, SMALL.w_max, strict=True):
        np.testing.assert_allclose(w, config.devices.weights(r, w_max), atol=1e-4)


def test_a_benchmark_has_the_peers_network_in_words():
    """Steps of .7 U and .007 U, thresholds of 1.1 and .05, for Fashion-MNIST of .8 and .06."""
    for config, thresholds in ((PEER, (1.1, 0.05)), (PEER_FASHION, (0.8, 0.06))):
        assert config.eta == (0.7, 0.007) and config.gather == thresholds and config.dm == (12e-4, 4e-4)
    assert LearnerWords("tacos:devices=yes", (20, 30, 2))(1).config == replace(PEER, hidden=30)
    for words, match in (("bits=8", "no bits"), ("drift=.1", "no drift")):
        with pytest.raises(ValueError, match=match):
            LearnerWords(f"tacos:devices=yes,{words}", (20, 30, 2))(1)


def test_fixed_point_weights_lie_on_their_grid_and_rounding_has_no_bias():
    learner = learned(replace(SMALL, bits=6))
    for k, w in enumerate(learner.w):
        levels = w / learner.grid(k)
        np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
        assert np.abs(w).max() <= SMALL.w_max[k]
    exact, coarse = learned(SMALL, 150), learned(replace(SMALL, bits=10), 150)
    assert abs(exact.w[0].mean() - coarse.w[0].mean()) < 0.02
    x, y = samples(60, 1)
    assert (coarse.predict(x) == y).mean() > 0.85


@pytest.mark.parametrize(
    "options",
    [{"hidden": 0}, {"bits": 1}, {"alpha": (2.0, 0.0)}, {"rate": 2e3}, {"tau_ref": 0.0}, {"gather": (-0.1, 0.0)}],
)
def test_impossible_choices_are_refused(options):
    with pytest.raises(ValueError):
        TacosConfig(**options)


def test_a_benchmark_has_it_in_words():
    learner = LearnerWords("tacos:metaplastic=no,drift=0.01", (20, 30, 2))(1)
    assert not learner.config.metaplastic and learner.config.alpha == (0.01, 0.01)
    for words, sizes, match in (("tacos+si", (20, 30, 2), "no parts"), ("tacos", (20, 30, 30, 2), "one hidden layer")):
        with pytest.raises(ValueError, match=match):
            LearnerWords(words, sizes)(0)


def test_the_page_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "experiments"))
    import tacos as page

    page.main(page.Args(quick=True, rows=("no protection", "all three", "devices, metaplasticity"), out=tmp_path))
    shown = capsys.readouterr().out
    assert "all three" in shown and "devices" in shown and (tmp_path / "tacos.json").exists()
    del sys.modules["tacos"]


def test_an_inference_costs_the_spikes_of_the_same_network_in_torch(monkeypatch):
    (x, _), learner = samples(2, 1), learned(SMALL)
    assert learner.cost(x).synapses == 20 * 30 + 30 * 2
    from neuromorph.local_rule import tacos_torch

    twin, rasters, show = TorchTacosLearner(20, 2, SMALL), [], tacos_torch.present
    twin.load_state_dict({**learner.state_dict(), "description": twin.description})
    monkeypatch.setattr(tacos_torch, "present", lambda *a: rasters.append(show(*a)) or rasters[-1])
    twin.predict(x)
    hidden, outputs = (np.concatenate(layer).sum() / 2 for layer in zip(*rasters, strict=True))
    found = learner.cost(x)
    inputs = (found.accumulates - 2 * hidden) / 30
    assert found.spikes == pytest.approx(hidden + outputs) and hidden > 0
    assert inputs == pytest.approx(x.sum() / 2 * 0.25 * 100, rel=0.2)  # 250 Hz for 100 ms
    assert found.weight_bytes == 4 * found.synapses and found.multiply_accumulates == 0
    assert learned(replace(SMALL, bits=6), 1).cost(x).weight_bytes == found.synapses * 6 / 8
