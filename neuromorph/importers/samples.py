"""Samples of a user's own network: a data set by name, or an npz file with x and y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusi_models.checks import whole
from neuromorph.data import frames, load
from neuromorph.data.events import NMNIST
from neuromorph.data.store import find, folders, read_npz

NMNIST_SIDE = 34


def samples(
    name: str, num_steps: int, encoding: str, calibration: int, most: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[Any]]:
    """(calibration x, test x, test y): x as ``encode`` takes it, [batch, feature] or [time, batch, feature].

    ``name``: a data set of ``neuromorph.data``, or an .npz file with x [n, ...] (for the encoding "raster" spikes
    [n, time, ...]) and y [n]. The calibration samples are training samples, or of a file the last ones, and are left
    out of the test; ``most`` 0: all. Raises ValueError or OSError.
    """
    whole("calibration", calibration, 1)
    if name.endswith(".npz"):
        x, y = read_npz(name, ("x", "y"), "give x [n, ...] and y [n].")
        if len(x) != len(y) or len(x) <= calibration:
            raise ValueError(
                f"{name}: {len(x)} samples and {len(y)} labels; give more than the {calibration} to calibrate"
            )
        if encoding == "raster" and (x.ndim < 3 or x.shape[1] != num_steps):
            raise ValueError(
                f"{name}: x is {list(x.shape)}; spikes are [n, time, ...] with time = {num_steps}: say that number "
                "of steps, or for values --encoding current, rate or latency"
            )
        first, (x, y) = x[-calibration:], (x[:-calibration], y[:-calibration])
    elif name.partition(":")[0] == "nmnist":
        first, _ = _recordings(0, calibration, num_steps)
        x, y = _recordings(1, most or 10**9, num_steps)
    else:
        data = load(name)
        first, (x, y) = data.train[0][:calibration], data.test
    x, y = x[: most or None], y[: most or None]
    return _arranged(first, encoding), _arranged(x, encoding), y


def _recordings(part: int, most: int, num_steps: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """N-MNIST as ``num_steps`` frames of 0 and 1, training (``part`` 0) or test."""
    file = list(NMNIST)[part]
    path = find(folders(), "NMNIST/", file, NMNIST[file], None)
    x, y, p, t, start, labels = read_npz(path, ("x", "y", "p", "t", "start", "label"), "get it again.")
    cuts = [slice(a, b) for a, b in zip(start, start[1:], strict=False)][:most]
    shown = np.stack([frames(x[c], y[c], p[c], t[c], num_steps, NMNIST_SIDE) for c in cuts])
    return shown, labels[: len(cuts)].astype(np.int64)


def _arranged(x: NDArray[np.float32], encoding: str) -> NDArray[np.float32]:
    if encoding == "raster":
        return np.ascontiguousarray(x.reshape(*x.shape[:2], -1).swapaxes(0, 1), np.float32)
    return np.asarray(x.reshape(len(x), -1), np.float32)
