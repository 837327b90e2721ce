import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.control import BeakerChain, ControlLearner, Metaplasticity, TaskControlLearner, TrainingConfig
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.run import learn_stream
from neuromorph.snn.baselines import ControlConfig, SpikingConfig

torch.set_num_threads(1)

BINARY = TrainingConfig(ControlConfig((64, 20, 10)), Metaplasticity(m=15.0, weight_decay=1e-6), batch=20)
SPIKING = replace(BINARY, network=SpikingConfig((64, 20, 10), num_steps=3))
KINDS = {
    "binary": BINARY,
    "instance": replace(BINARY, network=ControlConfig((64, 20, 10), norm="instance", affine=False)),
    "convolution": replace(BINARY, network=ControlConfig((64, 10), channels=(1, 4), norm="none")),
    "full precision": replace(BINARY, network=ControlConfig((64, 20, 10), binary=False)),
    "spiking": SPIKING,
    "spiking, normed": replace(SPIKING, network=SpikingConfig((64, 20, 10), num_steps=3, norm="batch-running")),
    "beakers": replace(BINARY, rule=BeakerChain(couplings=(0.1, 0.01), areas=(1.0, 2.0), m=3.0)),
}
DIGITS = data.load("digits")


def samples(count):
    return DIGITS.train[0][:count], DIGITS.train[1][:count]


def learn(config, count=110, cuts=()):
    learner = ControlLearner(config)
    x, y = samples(count)
    for some, wanted in zip(np.split(x, cuts), np.split(y, cuts), strict=True):
        learner.partial_fit(some, wanted)
    return learner


@pytest.mark.parametrize("kind", KINDS)
def test_cutting_the_stream_leaves_the_same_bits(kind, flat):
    whole = flat(learn(KINDS[kind]).state_dict())
    assert flat(learn(KINDS[kind], cuts=(20, 60, 60)).state_dict()) == whole
    assert flat(learn(KINDS[kind], cuts=(50,)).state_dict()) != whole  # not a multiple: other mini-batches


@pytest.mark.parametrize("kind", KINDS)
def test_resumes_bit_by_bit_from_a_safe_file(kind, flat):
    whole, first, file = learn(KINDS[kind], 120), learn(KINDS[kind], 60), io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    resumed = ControlLearner(KINDS[kind])
    resumed.load_state_dict(torch.load(file, weights_only=True))
    x, y = samples(120)
    resumed.partial_fit(x[60:], y[60:])
    assert flat(resumed.state_dict()) == flat(whole.state_dict())
    np.testing.assert_array_equal(resumed.predict(x), whole.predict(x))


@pytest.mark.parametrize("kind", KINDS)
def test_learns_and_predicts_each_sample_by_itself(kind):
    learner = ControlLearner(KINDS[kind])
    matrix = learn_stream(learner, streams.subsets(DIGITS, 1, 0), epochs=4, progress=False)
    assert matrix.average_accuracy > 0.55 and matrix.baseline[0] < 0.3
    x = DIGITS.test[0][:30]
    np.testing.assert_array_equal(learner.predict(x), np.concatenate([learner.predict(one[None]) for one in x]))


def test_the_spiking_network_learns_here_as_in_its_own_learner():
    ours = learn(replace(SPIKING, rule=Metaplasticity(15.0, weight_decay=1e-6, published_eps=False)))
    rule = {"relative": False, "variance": "weight", "weight_decay": 1e-6, "betas": (0.9, 0.999)}
    deep = DeepLearner(DeepConfig((64, 20, 10), m=15.0, batch=20, num_steps=3, **rule))
    deep.partial_fit(*samples(110))
    for a, b in zip(ours.network.weights(), deep.network.layers, strict=True):
        torch.testing.assert_close(a, b.weight, rtol=0, atol=1e-6)


def test_the_spiking_learner_is_not_the_binary_one():
    assert ControlLearner(SPIKING).description != ControlLearner(BINARY).description
    with pytest.raises(ValueError, match="saved by .*network=ControlConfig.*not by .*network=SpikingConfig"):
        ControlLearner(SPIKING).load_state_dict(ControlLearner(BINARY).state_dict())


def test_a_new_optimiser_for_each_task(flat):
    kept, fresh = (TaskControlLearner(BINARY, reset, False) for reset in (False, True))
    task = streams.permuted(DIGITS, 1, 0)[0]
    for learner in (kept, fresh):
        learner.partial_fit(*samples(60))
        assert learner.optimiser.state
        learner.end_task(task)
    assert kept.optimiser.state and not fresh.optimiser.state
    x, y = samples(120)
    for learner in (kept, fresh):
        learner.partial_fit(x[60:], y[60:])
    boundary_free = learn(BINARY, 120)
    ours = [flat(learner.network.state_dict()) for learner in (kept, fresh, boundary_free)]
    assert ours[0] == ours[2] != ours[1]


@pytest.mark.parametrize("config", [BINARY, KINDS["spiking, normed"]], ids=["binary", "spiking"])
def test_the_norm_of_the_tested_task_is_loaded_and_put_back(config, flat):
    learner, task = TaskControlLearner(config), streams.permuted(DIGITS, 1, 0)[0]
    x, y = samples(400)
    learner.partial_fit(x, y)
    learner.end_task(task)
    then = learner.network.norms.state_dict()["0.running_mean"].clone()
    learner.partial_fit(1 - x, y)
    learner.begin_test(1)
    now, current = learner.predict(x), flat(learner.network.state_dict())
    learner.begin_test(0)
    old = learner.predict(x)
    assert flat(learner.network.state_dict()) == current
    assert not torch.equal(learner.network.norms.state_dict()["0.running_mean"], then)
    learner.network.norms.load_state_dict(learner.kept[0])
    learner.begin_test(1)
    np.testing.assert_array_equal(learner.predict(x), old)
    assert (old != now).any()


def test_the_runner_tells_which_task_is_tested(tmp_path):
    """Where weights are protected, a norm a task is worth accuracy on old tasks; a killed run goes on with the same."""
    stream = streams.permuted(DIGITS, 3, 0)
    config = replace(BINARY, network=ControlConfig((64, 60, 10)), rule=Metaplasticity(m=100.0))
    told, shared = (
        learn_stream(TaskControlLearner(config, norm_per_task=per_task), stream, 2, progress=False)
        for per_task in (True, False)
    )
    assert told.accuracy[2, :2].mean() > shared.accuracy[2, :2].mean() + 0.15
    np.testing.assert_array_equal(told.diagonal, shared.diagonal)
    first = learn_stream(TaskControlLearner(config), stream, 2, checkpoint=tmp_path / "run", progress=False)
    again = learn_stream(TaskControlLearner(config), stream, 2, checkpoint=tmp_path / "run", progress=False)
    np.testing.assert_array_equal(again.accuracy, first.accuracy)
    np.testing.assert_array_equal(first.accuracy, told.accuracy)


def test_batch_statistics_need_to_be_told_the_task():
    network = ControlConfig((64, 20, 10), norm="batch-statistics")
    with pytest.raises(ValueError, match="tell which task is tested: use TaskControlLearner"):
        ControlLearner(replace(BINARY, network=network))
    learner = TaskControlLearner(replace(BINARY, network=network))
    learner.partial_fit(*samples(100))
    x = DIGITS.test[0]
    assert (learner.predict(x) != np.concatenate([learner.predict(s) for s in np.split(x, 120)])).any()
    with pytest.raises(ValueError, match="'batch-statistics' needs 2 samples"):
        learner.predict(x[:1])


def test_a_rest_of_one_sample_joins_the_batch_before_it(flat):
    """Earlier a benchmark ended there: 311 samples in batches of 10."""
    rng = np.random.default_rng(0)
    x, y = rng.random((41, 64), np.float32), rng.integers(0, 10, 41)
    whole, parts = ControlLearner(BINARY), ControlLearner(BINARY)
    whole.partial_fit(x, y)
    parts.partial_fit(x[:20], y[:20])
    larger = ControlLearner(replace(BINARY, batch=21))
    larger.load_state_dict({**parts.state_dict(), "description": larger.description})
    larger.partial_fit(x[20:], y[20:])
    assert flat(whole.state_dict()) == flat({**larger.state_dict(), "description": whole.description})


def test_a_stream_may_leave_one_sample_behind_a_call():
    """1001 samples, and learners are called with 1000."""
    rng = np.random.default_rng(0)
    x, y = rng.random((1001, 64), np.float32), rng.integers(0, 10, 1001)
    stream = streams.from_datasets([(x, y)], [(x[:50], y[:50])], scenario="domain")
    assert learn_stream(ControlLearner(BINARY), stream, progress=False).tasks == 1


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 63)), np.zeros(2, int), "64 features"),
        (np.zeros(64), np.zeros(64, int), "64 features"),
        (np.full((2, 64), 16.0), np.zeros(2, int), r"\[0, 1\]"),
        (np.full((2, 64), np.nan), np.zeros(2, int), "NaN"),
        (np.zeros((2, 64)), np.zeros(3, int), "2 integer labels"),
        (np.zeros((2, 64)), np.array([0, 10]), r"0\.\.9"),
        (np.zeros((1, 64)), np.zeros(1, int), "1 samples in batches of 20 leave one alone"),
    ],
)
def test_wrong_samples_are_named(x, y, message, flat):
    learner = ControlLearner(BINARY)
    before = flat(learner.state_dict())
    with pytest.raises(ValueError, match=message):
        learner.partial_fit(x, y)
    assert flat(learner.state_dict()) == before


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="batch must be at least 1"):
        ControlLearner(replace(BINARY, batch=0))
    with pytest.raises(ValueError, match="use --device cpu"):
        ControlLearner(replace(BINARY, device="nowhere"))
