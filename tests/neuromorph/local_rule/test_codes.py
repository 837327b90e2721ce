import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.local_rule.codes import Winners, encode, spike_steps
from neuromorph.local_rule.rule import LocalRule


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.integers(1, 12))
def test_rate_code_has_round_of_steps_times_x_spikes(values, num_steps):
    x = np.array([values], np.float32)
    raster = encode(x, LocalRule(num_steps=num_steps, high=1, low=0), seed=0)
    assert raster.shape == (1, num_steps, len(values)) and raster.dtype == bool
    np.testing.assert_array_equal(raster[0].sum(0), np.floor(num_steps * x[0] + 0.5))


def test_rate_code_spaces_its_spikes_evenly():
    raster = encode(np.array([[0, 0.25, 0.5, 1]], np.float32), LocalRule(num_steps=8), seed=0)
    for i, interval in ((1, 4), (2, 2), (3, 1)):
        assert (np.diff(np.flatnonzero(raster[0, :, i])) == interval).all()
    assert not raster[0, :, 0].any() and raster.sum() == 2 + 4 + 8


def test_bernoulli_code_spikes_with_probability_x():
    x = np.full((50, 400), 0.3, np.float32)
    rule = LocalRule(num_steps=10, code="bernoulli")
    raster = encode(x, rule, seed=1)
    assert abs(raster.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / raster.size)
    steps = raster.mean((0, 2))
    assert abs(steps - 0.3).max() < 5 * np.sqrt(0.21 / 20_000)
    ends = encode(np.array([[0, 1]], np.float32), rule, seed=1)
    assert not ends[..., 0].any() and ends[..., 1].all()


@pytest.mark.parametrize("code", ["rate", "bernoulli", Winners(40)])
def test_raster_of_a_sample_depends_on_its_number_only(code):
    x = np.random.default_rng(0).random((9, 30), np.float32)
    rule = LocalRule(code=code)
    whole = encode(x, rule, seed=2, first=10)
    cut = np.concatenate([encode(x[:4], rule, seed=2, first=10), encode(x[4:], rule, seed=2, first=14)])
    np.testing.assert_array_equal(whole, cut)
    same = (whole == encode(x, rule, seed=3, first=10)).all()
    assert same == (code == "rate")  # another seed, other chances or another projection


def test_test_samples_never_get_the_rasters_of_training_samples():
    x, rule = np.full((300, 40), 0.5, np.float32), LocalRule(code="bernoulli")
    train, test = (encode(x, rule, 3, testing=testing).reshape(300, -1) for testing in (False, True))
    apart = (train[:, None] != test[None]).mean(-1)
    assert apart.min() > 0.25  # of 200 coin flips; equal ones would be 0 apart


def test_the_raster_of_no_sample_is_the_stream_of_the_initial_states():
    """It was: a raster of sample 7001 drew the numbers of the initial states."""
    from neuromorph.local_rule import chance

    drawn = chance.initial_states(2).random((5, 400))
    raster = encode(np.full((1, 400), 0.5), LocalRule(code="bernoulli"), 2, 7001)[0]
    assert 0.4 < (raster == (drawn < 0.5)).mean() < 0.6


def test_latency_code_spikes_once_and_sooner_for_brighter():
    steps = np.stack(spike_steps(np.array([0.0, 0.01, 0.5, 1.0]), 5, "latency"))
    assert steps.sum(0).tolist() == [0, 1, 1, 1]
    assert steps[:, 1:].argmax(0).tolist() == [4, 2, 0]
    with pytest.raises(ValueError, match="choose rate or latency"):
        spike_steps(np.ones(2), 5, "bernoulli")


def test_winners_are_the_most_driven_at_every_step():
    code, x = Winners(50, 0.2), np.random.default_rng(1).random((20, 30))
    raster, drive = encode(x, LocalRule(code=code), seed=3), code.drive(x, 3)
    assert raster.shape == (20, 5, 50) and (raster == raster[:, :1]).all() and (raster.sum(2) == code.winners).all()
    for spikes, a in zip(raster[:, 0], drive, strict=True):
        assert a[spikes].min() >= a[~spikes].max()
    weights = code.drive(np.eye(30), 3) / 255
    assert set(weights.ravel()) == {-1, 1} and abs(weights.mean()) < 4 / np.sqrt(weights.size)


def test_of_equally_driven_units_the_first_win():
    assert Winners(7, 0.4).raster(np.zeros((1, 5)), 1, 0, 0, False)[0, 0].tolist() == [True] * 3 + [False] * 4


def test_the_drive_is_whole_and_does_not_depend_on_the_samples_beside():
    """Sums of float products differ in the last bit with the size of the batch, and a winner with them."""
    code, x = Winners(200), np.random.default_rng(0).random((64, 784), np.float32)
    drive = code.drive(x, 0)
    exact = np.floor(255 * x + 0.5).astype(np.int64) @ code.drive(np.eye(784), 0).astype(np.int64) // 255
    np.testing.assert_array_equal(drive, exact)
    np.testing.assert_array_equal(drive[5:6], code.drive(x[5:6], 0))


@pytest.mark.parametrize("wrong", [{"features": 0}, {"active": 0}, {"active": 1.1}, {"active": np.nan}])
def test_impossible_winners_are_refused(wrong):
    with pytest.raises(ValueError, match="winners need features of at least 1 and active in"):
        Winners(**wrong)
