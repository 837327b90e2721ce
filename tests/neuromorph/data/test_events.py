import numpy as np
import pytest

from neuromorph import data
from neuromorph.data import load


def test_event_frames():
    x, y, p, t = (np.array(v) for v in ([0, 1, 1, 3], [0, 2, 2, 3], [0, 1, 1, 0], [0, 9, 10, 19]))
    found = data.frames(x, y, p, t, 2, 4).reshape(2, 2, 4, 4)
    assert found.sum() == 4 and found[0, 0, 0, 0] == found[0, 1, 2, 1] == found[1, 1, 2, 1] == found[1, 0, 3, 3] == 1
    assert data.frames(x[:0], y[:0], p[:0], t[:0], 3, 4).sum() == 0


@pytest.mark.parametrize("name", ["nmnist:0", "nmnist:many"])
def test_a_wrong_number_of_frames_is_named(name):
    with pytest.raises(ValueError, match="how many frames"):
        data.load(name)


def test_missing_event_recordings_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nmnist_small_train.npz is missing.*NEUROMORPH_DATA"):
        data.load("nmnist", tmp_path)


def test_event_recordings(data_folder):
    found = load("nmnist:5", data_folder)
    assert found.train[0].shape == (1000, 5, 2 * 34 * 34) and found.test[0].shape == (100, 5, 2 * 34 * 34)
    assert set(np.unique(found.test[0])) == {0.0, 1.0} and (found.test[0].mean((1, 2)) > 0.02).all()
    mnist = load("mnist", data_folder)
    np.testing.assert_array_equal(found.train[1], mnist.train[1][:1000])


def test_polarities_of_both_signs_and_times_in_any_unit_from_anywhere_give_the_same_frames():
    """-1 fell onto +1; seconds fell into the first frame, times with an offset into the last one."""
    x, y, p, t = (np.array(v) for v in ([0, 1, 1, 3], [0, 2, 2, 3], [0, 1, 1, 0], [0, 900_000, 1_000_000, 1_900_000]))
    plain = data.frames(x, y, p, t, 2, 4)
    assert plain.reshape(2, -1).any(1).all()
    np.testing.assert_array_equal(data.frames(x, y, 2 * p - 1, t, 2, 4), plain)
    np.testing.assert_array_equal(data.frames(x, y, p, t / 1e6, 2, 4), plain)
    np.testing.assert_array_equal(data.frames(x, y, p, t + 10**9, 2, 4), plain)
    assert data.frames(x, y, p, np.full(4, 7), 2, 4)[1].sum() == 0  # all at one time


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"p": [0, 2]}, "a polarity is 0 or 1, or -1 or 1, got .0, 2."),
        ({"x": [0, 4]}, "pixels must lie in 0..3, got 0 to 4"),
        ({"y": [-1, 0]}, "pixels must lie in 0..3, got -1 to 0"),
        ({"t": [0.0, np.nan]}, "finite numbers"),
        ({"t": [0.0]}, "lists of one length"),
    ],
)
def test_events_that_cannot_be_are_one_sentence(change, match):
    events = {"x": [0, 1], "y": [0, 1], "p": [0, 1], "t": [0.0, 1.0], **change}
    with pytest.raises(ValueError, match=match):
        data.frames(*(np.array(events[k]) for k in "xypt"), 2, 4)
