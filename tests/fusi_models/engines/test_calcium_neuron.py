from dataclasses import replace

import numpy as np
import pytest

from fusi_models.engines.calcium_brian import advance_brian
from fusi_models.engines.calcium_inputs import Inputs, correlated, patterns
from fusi_models.engines.calcium_neuron import CalciumNeuron, advance, responses, run, selectivity, start
from fusi_models.models.calcium import YEUNG_2004_SELECTIVE

CELL = CalciumNeuron(YEUNG_2004_SELECTIVE)
FOUR = patterns(4, 25, high=50, low=5)


@pytest.mark.parametrize("cell", [CELL, CELL.fixed(-6e-4)], ids=["metaplastic", "fixed"])
def test_brian2_agrees_spike_for_spike(cell):
    excite, inhibit = FOUR.draw(0, 800, 1.0, np.random.default_rng(0))
    before = start(cell, 100, weight=2.0)
    (ours, fired), (theirs, also) = advance(cell, before, excite, inhibit), advance_brian(cell, before, excite, inhibit)
    np.testing.assert_array_equal(fired, also)
    np.testing.assert_allclose(ours.synapses, theirs.synapses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.cell, theirs.cell, rtol=0, atol=1e-9)
    assert fired.sum() > 15 and abs(ours.weight - 2).max() > 1e-4


def test_runs_can_be_cut_and_inputs_are_left_alone():
    excite, inhibit = FOUR.draw(1, 1000, 1.0, np.random.default_rng(1))
    before = start(CELL, 100, weight=2.0)
    whole, fired = advance(CELL, before, excite, inhibit)
    half, first = advance(CELL, before, excite[:300], inhibit[:300])
    rest, last = advance(CELL, half, excite[300:], inhibit[300:])
    np.testing.assert_array_equal(np.append(first, last), fired)
    np.testing.assert_array_equal(rest.synapses, whole.synapses)
    np.testing.assert_array_equal(before.weight, 2.0)


def test_nothing_learns_while_responses_are_read():
    before = start(CELL, 100, weight=2.0)
    excite, inhibit = FOUR.draw(1, 1000, 1.0, np.random.default_rng(1))
    after, fired = advance(CELL, before, excite, inhibit, plastic=False)
    assert fired.any() and after.conductance == before.conductance
    np.testing.assert_array_equal(after.weight, before.weight)
    rates = responses(CELL, FOUR, start(CELL, 100, weight=np.repeat([4.0, 0, 0, 0], 25)), np.random.default_rng(2), 20)
    assert rates.argmax() == 0 and selectivity(rates) > 0.7


def test_same_seed_same_run_and_what_a_run_returns():
    first, again, other = (run(CELL, FOUR, 2, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.weights, again.weights)
    assert np.any(first.weights != other.weights)
    assert first.weights.shape == (2, 100) and first.conductance.shape == first.output.shape == (2,)
    np.testing.assert_array_equal(first.weights[-1], first.state.weight)
    longer = run(CELL, FOUR, 1, np.random.default_rng(3), state=first.state)
    assert longer.conductance[0] < first.conductance[-1]  # a cell that is nearly silent gains receptors


def test_more_input_makes_weaker_synapses():
    quick = replace(CELL.synapse, meta=replace(CELL.synapse.meta, recover=8e-6, suppress=8e-8))
    quick = CalciumNeuron(replace(quick, rate=replace(quick.rate, rate=2e-4)))
    weak, strong = (
        run(quick, correlated(correlation=0.0, rate=rate), 6, np.random.default_rng(4)).weights[-1].mean()
        for rate in (40.0, 5.0)
    )
    assert strong > 1.5 * weak > 0.1


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_correlation_of_the_inputs_is_that_asked_for(correlation):
    inputs = correlated(6, 0.5, correlation, rate=50.0)
    spikes, inhibit = inputs.draw(0, 60_000, 1.0, np.random.default_rng(5))
    assert spikes.mean(0) == pytest.approx(np.full(6, 0.05), rel=0.08)
    assert inhibit.mean() == pytest.approx(0.2, rel=0.05)
    found = np.corrcoef(spikes.T)
    assert found[0, 1] == pytest.approx(correlation, abs=0.03)
    assert abs(found[3:, :3]).max() < 0.03 and found[4, 5] == pytest.approx(0, abs=0.03)


def test_selectivity():
    assert selectivity(np.array([8.0, 0, 0, 0])) == 0.75
    np.testing.assert_array_equal(selectivity(np.array([[4.0, 4], [0.5, 0]])), [0.0, 0.0])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: CalciumNeuron(tau=0.0), "tau must be a finite number above 0, got 0.0"),
        (lambda: CalciumNeuron(threshold=np.inf), "threshold must be a finite number, got inf"),
        (lambda: start(CELL, 3, np.nan), "weights must be a finite number of at least 0, got nan"),
        (lambda: start(CELL, 3, -1.0), "weights must be a finite number of at least 0, got -1"),
        (lambda: run(CELL, FOUR, 1.5, np.random.default_rng(0)), "minutes must be a whole number"),
        (lambda: run(CELL, patterns(dwell=0.3), 1, np.random.default_rng(0)), "whole number of steps"),
        (lambda: run(CELL, FOUR, 1, np.random.default_rng(0), dt=0), "whole number of steps, got dt = 0"),
        (lambda: responses(CELL, FOUR, start(CELL, 100), np.random.default_rng(0), 0), "shows must be"),
        (lambda: Inputs(np.full((1, 5), np.nan)), "rates must be finite numbers of at least 0 Hz"),
        (lambda: Inputs(np.ones((1, 5)), dwell=0), "dwell must be a finite number above 0 ms, got 0"),
        (
            lambda: Inputs(np.ones((1, 5)), inhibitory_rate=-1.0),
            "inhibitory_rate must be .* at least 0 Hz",
        ),
        (lambda: Inputs(np.ones((1, 5)), inhibitory=-1), "inhibitory must be a whole number"),
        (lambda: Inputs(np.ones((1, 5)), correlation=np.full(5, np.nan)), "between 0 and 1"),
        (lambda: advance(CELL, start(CELL, 3), np.zeros((5, 2)), np.zeros(5)), "input"),
        (lambda: run(CELL, FOUR, 0, np.random.default_rng(0)), "minutes >= 1"),
        (lambda: run(CELL, patterns(dwell=7.0), 1, np.random.default_rng(0)), "divides"),
        (lambda: Inputs(np.zeros(5)), "pattern, input"),
        (lambda: Inputs(np.ones((1, 5)), correlation=np.full(5, 2.0)), "between 0 and 1"),
        (lambda: Inputs(np.ones((1, 5)), group=np.zeros(4, int)), "each of 5"),
        (lambda: patterns(high=2000.0).draw(0, 5, 1.0, np.random.default_rng(0)), "shorten"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()
