from dataclasses import replace

import numpy as np
import pytest

from fusi_models import cascade, plain
from fusi_models.models.brader import Chain, Internal
from fusi_models.networks.spike_driven import Circuit
from neuromorph import streams
from neuromorph.data import load
from neuromorph.learners.brader import BraderConfig, BraderLearner
from neuromorph.run import learn_stream

SMALL = BraderConfig(levels=(0.4,), off_levels=(0.4,), units_per_class=2)
HIDDEN = {"internal": Internal(0.2, 0.1), "cascade": Chain(cascade(3).slowed(0.3))}


def make(hidden="internal", substrate="compiled", seed=3):
    return BraderLearner(16, 3, replace(SMALL, hidden=HIDDEN[hidden]), seed, substrate)


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    return rng.random((12, 16), np.float32), rng.integers(0, 3, 12)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_brian2_learns_the_same(hidden, samples):
    x, y = (a[:3] for a in samples)
    compiled, brian = make(hidden), make(hidden, "brian2-numpy")
    before = compiled.state.copy()
    for learner in (compiled, brian):
        learner.partial_fit(x, y)
    np.testing.assert_array_equal(brian.state, compiled.state)
    np.testing.assert_array_equal(brian.counts(x), compiled.counts(x))
    assert (compiled.state != before).any() and compiled.counts(x).any()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_learner_goes_on_from_its_saved_state(hidden, samples):
    x, y = samples
    whole, first, resumed = make(hidden), make(hidden), make(hidden)
    whole.partial_fit(x, y)
    first.partial_fit(x[:5], y[:5])
    resumed.load_state_dict(first.state_dict())
    for learner in (first, resumed):
        learner.partial_fit(x[5:], y[5:])
        np.testing.assert_array_equal(learner.state, whole.state)


def test_the_seed_decides_everything(samples):
    states = []
    for seed in (3, 3, 4):
        np.random.seed(len(states))
        learner = make(seed=seed)
        learner.partial_fit(*samples)
        states.append(learner.state)
    np.testing.assert_array_equal(states[0], states[1])
    assert (states[0] != states[2]).any()


def test_the_input_of_a_test_is_never_that_of_training():
    learner = make()
    keys = [{learner._key(salt, k) for k in range(2000)} for salt in (7102, 7103)]
    assert not keys[0] & keys[1]


def test_no_samples():
    learner = make()
    before = learner.state.copy()
    learner.partial_fit(np.empty((0, 16), np.float32), np.empty(0, np.int64))
    np.testing.assert_array_equal(learner.state, before)
    assert learner.predict(np.empty((0, 16), np.float32)).shape == (0,)


def test_every_argument_is_in_the_description():
    others = [
        BraderLearner(16, 4, SMALL),
        BraderLearner(17, 3, SMALL),
        BraderLearner(16, 3, SMALL, seed=1),
        BraderLearner(16, 3, SMALL, substrate="brian2-numpy"),
        BraderLearner(16, 3, replace(SMALL, hidden=Chain(plain(0.1)))),
        BraderLearner(16, 3, replace(SMALL, hidden=Chain(plain(0.2)))),
        BraderLearner(16, 3, replace(SMALL, hidden=Internal(up=0.3))),
        BraderLearner(16, 3, replace(SMALL, circuit=Circuit(weight=0.5))),
        BraderLearner(16, 3, replace(SMALL, levels=(0.5,))),
    ]
    found = [learner.description for learner in (BraderLearner(16, 3, SMALL), *others)]
    assert len(set(found)) == len(found)


X, Y = np.full((4, 16), 0.5, np.float32), np.array([0, 1, 2, 2])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :15], Y, r"x has shape \(4, 15\): give samples of shape \(16,\)"),
        (X[0], Y, r"x has shape \(16,\)"),
        (np.where(np.arange(16) == 5, np.nan, X), Y, "remove NaN"),
        (X * 255, Y, "between 0 and 1: scale it"),
        (X, Y[:3], r"y has shape \(3,\) but x has 4 samples"),
        (X, Y + 1, r"labels run from 1 to 3: this learner has classes 0\.\.2"),
        (X, Y - 1, "labels run from -1"),
        (X, Y + 0.5, "labels must be whole numbers, got float64"),
    ],
)
def test_wrong_samples_are_refused_before_anything_is_learned(x, y, message):
    learner = make()
    before = learner.state.copy()
    with pytest.raises(ValueError, match=message):
        learner.partial_fit(x, y)
    np.testing.assert_array_equal(learner.state, before)
    assert learner.presented == 0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: BraderLearner(16, 3, SMALL, substrate="brian"), "no substrate 'brian' here: choose one of compiled"),
        (lambda: replace(SMALL, levels=()), "give at least 1 level and 1 unit a class"),
        (lambda: replace(SMALL, high=1000), "low <= high < 1000 Hz"),
        (lambda: replace(SMALL, own=-1), "own, other and test must not be negative"),
        (lambda: make().load_state_dict({"state": np.zeros((2, 2)), "presented": 0}), r"the state was saved by"),
    ],
)
def test_what_cannot_be_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_it_learns_digits():
    stream = streams.permuted(load("digits").limited(600, 200), 1, seed=0)
    config = BraderConfig(units_per_class=5)
    matrix = learn_stream(BraderLearner(64, 10, config), stream, epochs=3, progress=False)
    assert matrix.average_accuracy > 0.6
    assert matrix.baseline[0] < 0.3
