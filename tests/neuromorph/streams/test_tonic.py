"""Runs where tonic is installed, which this project does not ask for."""

import numpy as np
import pytest

from neuromorph.streams import from_datasets

EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])


class Recordings:
    """Events as Tonic's data sets give them: a line that moves to the right (class 0) or down (1)."""

    def __init__(self, n, transform, seed):
        rng = np.random.default_rng(seed)
        self.n, self.transform, self.shift = n, transform, rng.integers(0, 4, n)

    def __len__(self):
        return self.n

    def __getitem__(self, k):
        step = np.repeat(np.arange(8), 3)
        events = np.zeros(len(step), EVENT)
        events["t"], events["p"] = 1000 * step + np.tile([0, 1, 2], 8), k % 4 < 2
        events["x" if k % 2 == 0 else "y"], events["y" if k % 2 == 0 else "x"] = step, self.shift[k]
        return self.transform(events), k % 2


def test_frames_of_tonic_are_samples():
    tonic = pytest.importorskip("tonic", reason="tonic is not installed")
    to_frame = tonic.transforms.ToFrame(sensor_size=(8, 8, 2), n_time_bins=4)
    seen = tonic.transforms.Compose([to_frame, lambda frames: (frames > 0).astype(np.float32)])
    stream = from_datasets([Recordings(12, seen, 0), Recordings(16, seen, 1)])
    assert (stream.shape, stream.scenario, stream.outputs) == ((4, 2, 8, 8), "domain", 2)
    x, y = stream[0].train
    right, down = (x.reshape(-1, 4, 2, 8, 8)[y == k].max(2) for k in (0, 1))  # [sample, time, row, column]
    assert (right.argmax(3).max(2).argmax(1) == 3).all() and (down.argmax(2).max(2).argmax(1) == 3).all()
    with pytest.raises(ValueError, match="values must be finite numbers between 0 and 1, got 0 to [23]"):
        from_datasets([Recordings(12, to_frame, 0)])[0].train  # noqa: B018
