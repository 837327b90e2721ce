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
NMNIST_FRAMES = 10


def frames(x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray, count: int, side: int) -> np.ndarray:
    """Event frames [count, 2 * side * side] of 0 and 1, float32: where events of each polarity fell in each part.

    ``x``, ``y``: pixels 0..side - 1, ``p``: polarity 0 or 1, ``t``: time, each [event]; the recording, up to its last
    event, is cut into ``count`` parts of equal length.
    """
    found = np.zeros((count, 2, side, side), np.float32)
    part = t.astype(np.int64) * count // (int(t.max(initial=0)) + 1)
    found[part, p, y, x] = 1
    return found.reshape(count, -1)


def nmnist(name: str, folders: Sequence[Path]) -> Data:
    """The first digits of N-MNIST (Orchard et al. 2015, Front. Neurosci. 9:437) as images [n, frame, feature].

    ``name``: ``nmnist``, or ``nmnist:FRAMES``. Raises ``ValueError`` for a number of frames that is none.
    """
    count = name.partition(":")[2] or str(NMNIST_FRAMES)
    if not (count.isascii() and count.isdigit()) or int(count) < 1:
        raise ValueError(f"'{name}': say how many frames an event recording becomes, for example nmnist:10.")
    pairs: list[Pair] = []
    for file, digest in NMNIST.items():
        path = find(folders, "NMNIST/", file, digest, None)
        x, y, p, t, start, labels = read_npz(path, ("x", "y", "p", "t", "start", "label"), "get it again.")
        cuts = [slice(a, b) for a, b in zip(start, start[1:], strict=False)]
        samples = np.stack([frames(x[c], y[c], p[c], t[c], int(count), 34) for c in cuts])
        pairs.append((samples, labels.astype(np.int64)))
    return Data("nmnist", pairs[0], pairs[1], 10)
