"""Engram-style gates: p = 1 is no gate bit for bit, silent units learn nothing, and active units join more often."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neuromorph import data
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.engrams import Engrams
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig, SpikingConfig

torch.set_num_threads(1)
DIGITS = data.load("digits").limited(120, 40)
X, Y = DIGITS.train[0].reshape(-1, 64), DIGITS.train[1]
BINARY = TrainingConfig(ControlConfig((64, 30, 20, 10)), Metaplasticity(m=2.0), batch=20)
SPIKING = TrainingConfig(SpikingConfig((64, 30, 10), num_steps=4), Metaplasticity(m=2.0), batch=20)


def gated(config, **options):
    return ComposedLearner(replace(config, parts=(Engrams(**options),)))


@pytest.mark.parametrize("config", [BINARY, SPIKING])
def test_with_p_of_1_the_learner_is_the_ungated_one_bit_for_bit(config, flat):
    learners = [ComposedLearner(config), gated(config, p=1.0)]
    for learner in learners:
        learner.partial_fit(X, Y)
    plain, ours = (
        flat({k: v for k, v in one.state_dict().items() if k in ("network", "optimiser")}) for one in learners
    )
    assert plain == ours and learners[1].parts[0].open == 1.0
    np.testing.assert_array_equal(*(learner.predict(X) for learner in learners))


def test_weights_of_silent_units_do_not_move_and_the_next_mini_batch_has_other_ones():
    learner, seen = gated(replace(BINARY, rule=Metaplasticity(weight_decay=0.0)), p=0.4), []
    before = [w.detach().clone() for w in learner.network.weights()]
    step = learner.optimiser.step

    def watched():
        seen.append([gate.clone() for gate in learner.network.gates])
        return step()

    learner.optimiser.step = watched
    learner.partial_fit(X[:20], Y[:20])
    moved = [w.detach() != old for w, old in zip(learner.network.weights(), before, strict=True)]
    first, second = seen[0]
    assert not moved[0][~first].any() and moved[0][first].any()
    assert not moved[1][:, ~first].any() and not moved[1][~second].any() and not moved[2][:, ~second].any()
    learner.partial_fit(X[20:40], Y[20:40])
    assert (seen[1][0] != first).any() and learner.network.gates == [None, None]  # a prediction uses all


def test_so_many_units_take_part_and_never_none():
    learner = gated(BINARY, p=0.3)
    for _ in range(5):
        learner.partial_fit(X, Y)
    assert learner.parts[0].open == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / (30 * 25 * 2)))
    assert all(gate.any() for _ in range(5) for gate in _gates(gated(BINARY, p=1e-6)))


def _gates(learner):
    learner.parts[0].before_batch(torch.zeros(1, 64), torch.zeros(1))
    return learner.network.gates


@pytest.mark.parametrize("config", [BINARY, SPIKING])
def test_the_trace_is_the_active_fraction_and_decides_who_joins(config):
    learner = gated(config, beta=8.0, theta=0.4, decay=0.0)
    part = learner.parts[0]
    learner.partial_fit(X[:20], Y[:20])
    assert part.traces[0].min() >= 0 and part.traces[0].max() <= 1 and part.traces[0].std() > 0
    kept = part.traces[0].clone()
    learner.predict(X)
    assert torch.equal(part.traces[0], kept)  # a prediction leaves no trace
    part.traces[0].copy_(torch.linspace(0, 1, 30))
    joined = torch.stack([_gates(learner)[0] for _ in range(400)]).float().mean(0)
    expected = torch.sigmoid(8.0 * (torch.linspace(0, 1, 30) - 0.4))
    torch.testing.assert_close(joined, expected, atol=0.11, rtol=0)


def test_impossible_choices_are_refused():
    for options in ({"p": 0.0}, {"p": 1.5}, {"beta": -1.0}, {"decay": 1.0}):
        with pytest.raises(ValueError, match="engrams need"):
            Engrams(**options)
    with pytest.raises(ValueError, match="hidden layer"):
        gated(replace(BINARY, network=ControlConfig((64, 10))))


def test_the_page_measures_the_peak_of_memory(tmp_path, capsys, monkeypatch):
    """Gates take a few bits a unit; the weights, their signs, gradients and Adam's mean are far more."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[4] / "experiments"))
    import engrams as page

    small = {"streams": (), "methods": ("a, p = .5",), "memory_hidden": (100, 100), "batch": 4, "processes": 0}
    page.main(page.Args(**small, out=tmp_path))
    (twin, plain, *_), (gated, more, whole, floats, packed) = json.loads((tmp_path / "engrams.json").read_text())[
        "memory"
    ]
    assert (twin, gated) == ("twin", "a, p = .5") and 0 <= more - plain < 0.01
    assert plain > 4 * floats and floats == 32 * packed == pytest.approx(4e-6 * (784 * 100 + 100 * 100 + 100 * 10))
    assert not whole and "peak of tensors" in capsys.readouterr().out
    assert page.resident(page.Args(hidden=(8, 8), batch=4), "twin") > plain
    del sys.modules["engrams"]
