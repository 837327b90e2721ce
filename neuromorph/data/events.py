"""Recordings of event cameras as frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuromorph.data.labelled import Data, Pair
from neuromorph.data.store import find, read_npz

NMNIST = {
    "nmnist_small_train.npz": "c0e730896adf0a61c25a8231e2180cef06fee45502e77bea8c4fe80904340e47",
    "nmnist_small_test.npz": "dc9193a47f191f5204dd6633c4cc93ee92f1c9bad5708929dc7f0273808ee6e0",
}
NMNIST_FRAMES, MOST_FRAMES = 10, 10_000  # a recording has some 5000 events


def frames(x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray, count: int, side: int) -> np.ndarray:
    """Event frames [count, 2 * side * side] of 0 and 1, float32: where events of each polarity fell in each part.

    ``x``, ``y``: pixels 0..side - 1, ``p``: polarity 0 or 1 (or -1 and 1), ``t``: time in any unit, each [event]; the
    recording, from its first event to its last one, is cut into ``count`` parts of equal length. Raises ``ValueError``
    for lists of different length, pixels outside the image, other polarities, and times that are no finite numbers.

    >>> frames(np.array([0, 1]), np.array([0, 0]), np.array([-1, 1]), np.array([5.0, 5.2]), 2, 2).nonzero()
    (array([0, 1]), array([0, 5]))
    """
    x, y, p, t = (np.asarray(one) for one in (x, y, p, t))
    if not x.shape == y.shape == p.shape == t.shape or x.ndim != 1:
        raise ValueError(
            f"x, y, p and t must be lists of one length, got shapes {x.shape} {y.shape} {p.shape} {t.shape}."
        )
    if not np.isin(p, (0, 1)).all() and not np.isin(p, (-1, 1)).all():
        raise ValueError(f"a polarity is 0 or 1, or -1 or 1, got {np.unique(p)[:5].tolist()}.")
    for pixels in (x, y):
        if pixels.size and not (pixels.min() >= 0 and pixels.max() < side):
            raise ValueError(f"pixels must lie in 0..{side - 1}, got {pixels.min()} to {pixels.max()}.")
    if not np.isfinite(t).all():
        raise ValueError("times of events must be finite numbers, NaN or infinity found.")
    found = np.zeros((count, 2, side, side), np.float32)
    if t.size:
        since = t.astype(np.float64) - float(t.min())
        part = np.minimum(since * (count / max(since.max(), np.finfo(float).tiny)), count - 1).astype(np.int64)
        found[part, (p > 0).astype(np.int64), y.astype(np.int64), x.astype(np.int64)] = 1
    return found.reshape(count, -1)


def nmnist(name: str, folders: Sequence[Path]) -> Data:
    """The first digits of N-MNIST (Orchard et al. 2015, Front. Neurosci. 9:437) as images [n, frame, feature].

    ``name``: ``nmnist``, or ``nmnist:FRAMES``. Raises ``ValueError`` for a number of frames that is none.
    """
    count = name.partition(":")[2] or str(NMNIST_FRAMES)
    if not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= MOST_FRAMES:
        raise ValueError(
            f"'{name}': say how many frames an event recording becomes, 1 to {MOST_FRAMES}, for example nmnist:10."
        )
    pairs: list[Pair] = []
    for file, digest in NMNIST.items():
        path = find(folders, "NMNIST/", file, digest, None)
        x, y, p, t, start, labels = read_npz(path, ("x", "y", "p", "t", "start", "label"), "get it again.")
        cuts = [slice(a, b) for a, b in zip(start, start[1:], strict=False)]
        samples = np.stack([frames(x[c], y[c], p[c], t[c], int(count), 34) for c in cuts])
        pairs.append((samples, labels.astype(np.int64)))
    return Data("nmnist", pairs[0], pairs[1], 10)
