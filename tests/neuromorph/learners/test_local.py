from importlib.util import find_spec

import numpy as np
import pytest
import torch

from fusi_models import BennaFusi, HiddenWeight, MarkovSynapse, cascade, multistate
from neuromorph import streams
from neuromorph.data import load
from neuromorph.learners import BrianLearner, LavaLearner, TorchLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream

RULE = LocalRule(units_per_class=2, code="bernoulli")
LAVA = [pytest.mark.skipif(find_spec("lava") is None, reason="lava-nc is not installed"), pytest.mark.timeout(60)]
MAKERS = {
    "torch": TorchLearner,
    "brian2-numpy": BrianLearner,
    "brian2-cython": lambda *a, **k: BrianLearner(*a, **k, target="cython"),
    "lava-fixed": LavaLearner,
    "lava-float": lambda *a, **k: LavaLearner(*a, **k, arithmetic="float"),
}
EVERY = [pytest.param(name, marks=LAVA if name.startswith("lava") else []) for name in MAKERS if "cython" not in name]
SYNAPSES = {"hidden": HiddenWeight(2.0), "cascade": cascade(3).slowed(0.3)}


@pytest.fixture(scope="module")
def digits():
    return load("digits").limited(200, 60)


@pytest.fixture(scope="module")
def samples(digits):
    x, y = digits.train
    return x.reshape(len(x), -1), y


def flat(value):
    """Every number of a nested state, as bytes."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flat(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in flat(part)]
    return [np.asarray(value).tobytes()]


@pytest.mark.parametrize("name", ["torch", "brian2-cython"])  # the contract test has the others
def test_a_learner_goes_on_from_its_saved_state(name, samples):
    x, y = (a[:20] for a in samples)
    whole, first, resumed = (MAKERS[name](SYNAPSES["cascade"], 64, 10, RULE, seeds=3) for _ in range(3))
    whole.partial_fit(x, y)
    first.partial_fit(x[:8], y[:8])
    saved = first.state_dict()
    MAKERS[name](SYNAPSES["cascade"], 64, 10, RULE, seeds=4).partial_fit(x[:3], y[:3])  # draws other numbers meanwhile
    resumed.load_state_dict(saved)
    first.partial_fit(x[8:], y[8:])  # a saved state does not change while learning goes on
    resumed.partial_fit(x[8:], y[8:])
    for learner in (first, resumed):
        assert flat(learner.state_dict()) == flat(whole.state_dict())


@pytest.mark.parametrize("name", EVERY)
def test_whether_its_spikes_are_watched_changes_nothing(name, samples):
    x, y = (a[:6] for a in samples)
    one, other = (MAKERS[name](SYNAPSES["cascade"], 64, 10, RULE, seeds=3) for _ in range(2))
    assert one.present(x, y).shape == (6, RULE.num_steps, 1, 20)
    other.partial_fit(x, y)
    assert flat(one.state_dict()) == flat(other.state_dict())


@pytest.mark.parametrize("name", EVERY)
def test_loading_a_state_does_not_tie_two_learners(name, samples):
    x, y = (a[:10] for a in samples)
    one, other = (MAKERS[name](SYNAPSES["hidden"], 64, 10, RULE, seeds=3) for _ in range(2))
    saved = one.state_dict()
    other.load_state_dict(saved)
    before = flat(saved)
    other.partial_fit(x, y)
    assert flat(saved) == before == flat(one.state_dict())


@pytest.mark.parametrize("name", EVERY)
def test_seed_decides_everything(name, samples):
    x, y = (a[:12] for a in samples)
    states = []
    for seed in (3, 3, 4):
        np.random.seed(len(states))  # the global streams are nobody's business
        torch.manual_seed(len(states))
        learner = MAKERS[name](SYNAPSES["cascade"], 64, 10, RULE, seeds=seed)
        learner.partial_fit(x, y)
        states.append(np.array(learner.states()))
    np.testing.assert_array_equal(states[0], states[1])
    assert (states[0] != states[2]).any()


def test_brian2_leaves_the_global_random_stream_alone(samples):
    np.random.seed(1)
    expected = np.random.random(3)
    np.random.seed(1)
    learner = BrianLearner(SYNAPSES["cascade"], 64, 10, RULE, seeds=3)
    learner.partial_fit(samples[0][:3], samples[1][:3])
    np.testing.assert_array_equal(np.random.random(3), expected)


@pytest.mark.parametrize("name", EVERY)
def test_no_samples(name):
    learner = MAKERS[name](HiddenWeight(2.0), 64, 10, RULE, seeds=0)
    before = flat(learner.state_dict())
    learner.partial_fit(np.empty((0, 64), np.float32), np.empty(0, np.int64))
    assert flat(learner.state_dict()) == before
    assert learner.predict(np.empty((0, 64), np.float32)).shape == (0,)


def test_snntorch_keeps_no_reference_to_the_neurons():
    import snntorch

    before = len(snntorch.SpikingNeuron.instances)
    TorchLearner(HiddenWeight(2.0), 64, 10, RULE)
    assert len(snntorch.SpikingNeuron.instances) == before


def test_the_default_rule_learns_digits():
    """Issue 2, point 4: above 85 % on one task."""
    stream = streams.permuted(load("digits"), 1, seed=0)
    matrix = learn_stream(TorchLearner(HiddenWeight(2.0), 64, 10), stream, epochs=2, progress=False)
    assert matrix.average_accuracy > 0.85
    assert matrix.baseline[0] < 0.3


X, Y = np.full((4, 64), 0.5, np.float32), np.array([0, 1, 2, 9])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :63], Y, r"x has shape \(4, 63\): give samples of shape \(64,\)"),
        (X[0], Y, r"x has shape \(64,\)"),
        (X[:, None], Y, r"x has shape \(4, 1, 64\)"),
        (np.where(np.arange(64) == 5, np.nan, X), Y, "remove NaN"),
        (X * 255, Y, "between 0 and 1: scale it"),
        (-X, Y, "between 0 and 1"),
        (X, Y[:3], r"y has shape \(3,\) but x has 4 samples"),
        (X, Y[:, None], r"y has shape \(4, 1\)"),
        (X, Y + 1, r"labels run from 1 to 10: this learner has classes 0\.\.9"),
        (X, Y - 1, "labels run from -1"),
        (X, Y + 0.5, "labels must be whole numbers, got float64"),
        (X, np.where(Y == 1, np.nan, Y), "labels must be whole numbers"),
    ],
)
@pytest.mark.parametrize("make", [TorchLearner, BrianLearner])
def test_wrong_samples_are_refused_before_anything_is_learned(make, x, y, message):
    learner = make(HiddenWeight(2.0), 64, 10, RULE)
    before = flat(learner.state_dict())
    with pytest.raises(ValueError, match=message):
        learner.partial_fit(x, y)
    assert flat(learner.state_dict()) == before


def test_wrong_shapes_of_replicas():
    learner = TorchLearner(HiddenWeight(2.0), 64, 10, RULE, seeds=(0, 1))
    with pytest.raises(ValueError, match=r"give samples of shape \(2, 64\), that is \[n, 2, 64\]"):
        learner.predict(X)
    with pytest.raises(ValueError, match=r"y has shape \(4,\)"):
        learner.partial_fit(np.stack([X, X], 1), Y)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (BrianLearner, {"target": "c"}, "no Brian2 target 'c': choose one of numpy, cython, cpp_standalone"),
        (LavaLearner, {"arithmetic": "fix"}, "no Lava arithmetic 'fix': choose one of fixed, float"),
        (TorchLearner, {"device": "tpu"}, "on the device 'tpu' here: use --device cpu"),
        (TorchLearner, {"device": ""}, "on the device '' here"),
    ],
)
def test_unknown_options_list_the_known(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(HiddenWeight(2.0), 64, 10, RULE, **options)


def test_a_state_may_go_on_on_another_device():
    """Earlier what a GPU had learned was refused on a CPU: the device stood in the description."""
    assert "cpu" not in TorchLearner(HiddenWeight(2.0), 64, 10, RULE).description


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="on the device 'cuda' here: use --device cpu"):
        TorchLearner(HiddenWeight(2.0), 64, 10, RULE, device="cuda")


# Contract of issue 12 ---------------------------------------------------------------------------------------------

OTHERS = [
    {"synapse": HiddenWeight(2.5)},
    {"inputs": 63},
    {"classes": 9},
    {"rule": LocalRule(units_per_class=2, code="bernoulli", beta=0.25)},
    {"seeds": 4},
    {"seeds": (3,)},
]
OPTIONS = [
    (BrianLearner, {"target": "cython"}),
    pytest.param(LavaLearner, {"arithmetic": "float"}, marks=LAVA),
    pytest.param(LavaLearner, {"state_bits": 11}, marks=LAVA),
]


def made(make, **changed):
    return make(**{"synapse": HiddenWeight(2.0), "inputs": 64, "classes": 10, "rule": RULE, "seeds": 3} | changed)


@pytest.mark.parametrize(
    ("make", "other"), [(TorchLearner, o) for o in OTHERS] + [(BrianLearner, o) for o in OTHERS[:1]] + OPTIONS, ids=str
)
def test_the_description_is_that_of_the_whole_configuration(make, other):
    one, two = made(make), made(make, **other)
    assert one.description == made(make).description != two.description
    with pytest.raises(ValueError, match="the state was saved by .*, not by "):
        two.load_state_dict(one.state_dict())


def test_two_large_matrices_have_two_descriptions():
    """numpy elides the text of large arrays, so that they had one."""
    line = multistate(60, 0.5)
    other = np.array(line.potentiation)
    other[20, 20:22] = 0.75, 0.25
    chains = line, MarkovSynapse(other, line.depression, line.strength, name=line.name)
    texts = {made(TorchLearner, synapse=chain, inputs=3, classes=2).description for chain in chains}
    assert len(texts) == 2


@pytest.mark.parametrize("make", [TorchLearner, BrianLearner])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"inputs": -1}, "inputs must be at least 1, got -1"),
        ({"inputs": 0}, "inputs must be at least 1, got 0"),
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"seeds": -1}, "a seed must be a whole number of at least 0, got -1"),
        ({"seeds": ()}, "seeds is empty"),
        ({"seeds": (0, 1.5)}, "a seed must be a whole number of at least 0, got 1.5"),
        ({"synapse": "cascade"}, r"synapse must be a synapse model such as fusi_models.cascade\(5\), got 'cascade'"),
    ],
)
def test_wrong_arguments_give_one_sentence(make, wrong, message):
    with pytest.raises(ValueError, match=message):
        made(make, **wrong)


def test_numpy_integers_are_integers():
    one = made(TorchLearner, inputs=np.int64(64), classes=np.int32(10), seeds=np.int64(3))
    assert one.description == made(TorchLearner).description
    assert made(TorchLearner, seeds=np.array([3, 4])).description == made(TorchLearner, seeds=(3, 4)).description


def test_a_state_of_wrong_shape_is_refused():
    state = made(TorchLearner).state_dict()
    state["states"][0] = state["states"][0][:, :-1]
    with pytest.raises(
        ValueError, match=r"the saved states have shape \(1, 19, 64\), this learner's have \(1, 20, 64\)"
    ):
        made(TorchLearner).load_state_dict(state)


@pytest.mark.skipif(find_spec("lava") is None, reason="lava-nc is not installed")
def test_a_rule_that_the_chip_cannot_hold_is_refused_there_only():
    rule = LocalRule(units_per_class=2, beta=0.0)
    with pytest.raises(ValueError, match="beta = 0 needs dv = 4096, but the chip's decay has 12 bits"):
        made(LavaLearner, rule=rule)
    made(LavaLearner, rule=rule, arithmetic="float")
    made(TorchLearner, rule=rule)


def test_brian2_runs_a_binary_benna_fusi_chain_as_torch_does(samples):
    """IndexError where torch runs; and its chains flowed where no input was active."""
    synapse = BennaFusi(3, binary=True)
    x, y = (a[:40] for a in samples)
    brian, torch_ = (made(make, synapse=synapse) for make in (BrianLearner, TorchLearner))
    before = torch_.states()
    np.testing.assert_array_equal(brian.present(x, y), torch_.present(x, y))
    np.testing.assert_allclose(brian.states(), torch_.states(), rtol=0, atol=1e-9)
    assert (torch_.states() != before).mean() > 0.05


def test_ctrl_c_in_brian2_raises_and_keeps_nothing_of_the_call(samples, monkeypatch):
    """Brian2's own handler ended the run early and let it return, with false spikes."""
    import os
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("this job ignores Ctrl-C")
    learner, whole = (made(BrianLearner, synapse=SYNAPSES["cascade"]) for _ in range(2))
    before, seeds = flat(learner.state_dict()), learner.transition_seed
    monkeypatch.setattr(
        learner, "transition_seed", lambda k: (os.kill(os.getpid(), signal.SIGINT) if k == 5 else None, seeds(k))[1]
    )
    with pytest.raises(KeyboardInterrupt):
        learner.partial_fit(samples[0][:12], samples[1][:12])
    assert flat(learner.state_dict()) == before
    monkeypatch.undo()
    for one in (learner, whole):
        one.partial_fit(samples[0][:12], samples[1][:12])
    assert flat(learner.state_dict()) == flat(whole.state_dict())
