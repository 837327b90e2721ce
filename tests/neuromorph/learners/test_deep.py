import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from neuromorph import data, streams
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.run import learn_stream

torch.set_num_threads(1)  # on matrices this small, threads only wait for each other

SMALL = DeepConfig(sizes=(64, 40, 10), batch=20, m=3.0, num_steps=4, weight_decay=1e-6)


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    return (images[order] / 16).astype(np.float32), labels[order].astype(np.int64)


def learn(x, y, cuts=()):
    learner = DeepLearner(SMALL)
    for some, wanted in zip(np.split(x, cuts), np.split(y, cuts), strict=True):
        learner.partial_fit(some, wanted)
    return learner


def test_cutting_the_stream_leaves_the_same_bits(digits, flat):
    x, y = digits[0][:150], digits[1][:150]  # 7 mini-batches of 20 and a rest of 10
    whole = flat(learn(x, y).state_dict())
    assert flat(learn(x, y, cuts=(20, 80, 80, 140)).state_dict()) == whole
    assert flat(learn(x, y, cuts=(70,)).state_dict()) != whole  # not a multiple: other mini-batches


def test_resumes_bit_by_bit_from_a_safe_file(digits, flat):
    x, y = digits[0][:120], digits[1][:120]
    whole = learn(x, y)
    first = learn(x[:60], y[:60])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    resumed = DeepLearner(SMALL)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    resumed.partial_fit(x[60:], y[60:])
    assert flat(resumed.state_dict()) == flat(whole.state_dict())
    np.testing.assert_array_equal(resumed.predict(x), whole.predict(x))


def test_a_saved_state_does_not_change_while_learning_goes_on(digits, flat):
    x, y = digits[0][:60], digits[1][:60]
    learner = learn(x, y)
    state = learner.state_dict()
    before = flat(state)
    twin = DeepLearner(SMALL)
    twin.load_state_dict(state)
    twin.partial_fit(x, y)
    learner.partial_fit(x, y)
    assert flat(state) == before


def test_another_configuration_is_refused(digits):
    with pytest.raises(ValueError, match="another m;"):
        DeepLearner(replace(SMALL, m=0.0)).load_state_dict(learn(*(a[:20] for a in digits)).state_dict())


def test_prediction_of_one_sample_is_independent_of_the_others(digits):
    learner = learn(digits[0][:200], digits[1][:200])
    together = learner.predict(digits[0][:50])
    assert together.dtype == np.int64
    np.testing.assert_array_equal(together, np.concatenate([learner.predict(x[None]) for x in digits[0][:50]]))


def test_metaplasticity_protects_older_tasks():
    stream = streams.permuted(data.load("digits"), tasks=3, seed=0)
    plain, protected = (
        learn_stream(DeepLearner(DeepConfig(sizes=(64, 100, 10), m=m)), stream, epochs=3, progress=False)
        for m in (0.0, 4.0)
    )
    assert min(plain.learning_accuracy, protected.learning_accuracy) > 0.7
    assert protected.backward_transfer > plain.backward_transfer + 0.1


def test_a_killed_run_goes_on_with_the_same_numbers(tmp_path):
    """The runner's checkpoint turns tuples into lists and arrays into tensors on its way."""
    stream = streams.permuted(data.load("digits").limited(train=200), tasks=2, seed=0)
    whole = learn_stream(DeepLearner(SMALL), stream, checkpoint=tmp_path / "run", progress=False)
    again = learn_stream(DeepLearner(SMALL), stream, checkpoint=tmp_path / "run", progress=False)
    np.testing.assert_array_equal(again.accuracy, whole.accuracy)
    resumed = DeepLearner(SMALL)
    resumed.load_state_dict(torch.load(tmp_path / "run", weights_only=True)["learner"])
    resumed.partial_fit(*stream[0].train)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 63)), np.zeros(2, int), "64 features"),
        (np.zeros(64), np.zeros(64, int), "64 features"),
        (np.full((2, 64), 16.0), np.zeros(2, int), r"\[0, 1\]"),
        (np.full((2, 64), np.nan), np.zeros(2, int), "NaN"),
        (np.zeros((2, 64)), np.zeros(3, int), "2 integer labels"),
        (np.zeros((2, 64)), np.zeros(2), "integer labels"),
        (np.zeros((2, 64)), np.array([0, 10]), r"0\.\.9"),
    ],
)
def test_wrong_samples_are_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        DeepLearner(SMALL).partial_fit(x, y)


def test_no_samples_change_nothing(flat):
    learner = DeepLearner(SMALL)
    before = flat(learner.state_dict())
    learner.partial_fit(np.zeros((0, 64), np.float32), np.zeros(0, np.int64))
    assert flat(learner.state_dict()) == before
    assert learner.predict(np.zeros((0, 64), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "latency", "readout": "membrane"},
        {"sizes": (64, 10), "image": (1, 8, 8), "convolutions": ((4, 3, 2, 1),)},
    ],
)  # the contract test has the others
def test_every_kind_of_network_is_boundary_free_and_resumes(digits, options, flat):
    config = replace(SMALL, **options)
    x, y = digits[0][:120], digits[1][:120]
    whole, cut = DeepLearner(config), DeepLearner(config)
    whole.partial_fit(x, y)
    cut.partial_fit(x[:40], y[:40])
    cut.predict(x)  # testing in between changes nothing
    file = io.BytesIO()
    torch.save(cut.state_dict(), file)
    file.seek(0)
    resumed = DeepLearner(config)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    resumed.partial_fit(x[40:], y[40:])
    assert flat(resumed.state_dict()) == flat(whole.state_dict())


def test_event_frames(digits):
    x, y = digits[0][:60], digits[1][:60]
    frames = np.stack([x > level for level in (0.2, 0.4, 0.6, 0.8)], 1).astype(np.float32)  # [n, time, feature]
    learner = DeepLearner(replace(SMALL, encoding="raster"))
    for _ in range(10):
        learner.partial_fit(frames, y)
    assert (learner.predict(frames) == y).mean() > 0.5
    np.testing.assert_array_equal(learner.predict(frames.reshape(60, -1)), learner.predict(frames))
    with pytest.raises(ValueError, match="4 x 64 features"):
        learner.predict(x)
