"""Data sets by name: found in ``NEUROMORPH_DATA``, else in the user's cache, else downloaded; always checked.

The folder has one sub-folder a set, laid out as torchvision lays it out: ``MNIST/raw/train-images-idx3-ubyte.gz``...
``digits`` (scikit-learn's 8x8 digits, 1797 images) is embedded and needs no file. ``features:PATH.npz`` holds features
that a user has computed.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fusi_models.seeds import generator
from neuromorph.data.events import frames, nmnist
from neuromorph.data.features import features
from neuromorph.data.idx import IDX, load_idx, read_idx
from neuromorph.data.labelled import Data, Pair
from neuromorph.data.store import folders
from neuromorph.data.usps import usps

__all__ = ["Data", "Pair", "digits", "features", "frames", "load", "names", "read_idx"]


def names() -> tuple[str, ...]:
    """The data sets that ``load`` knows."""
    return ("digits", *IDX, "usps", "nmnist")


def load(name: str, folder: str | os.PathLike | None = None) -> Data:
    """A data set by name; ``folder`` overrides ``NEUROMORPH_DATA`` and the cache.

    Raises ``ValueError`` for an unknown name or a damaged file, ``FileNotFoundError`` where a file is neither
    there nor to be had from the network; each says what to do.
    """
    if not isinstance(name, str):
        raise ValueError(f"A data set is named by a word, one of {', '.join(names())}, got {name!r:.80}.")
    if name == "digits":
        return digits()
    if name.startswith("features:"):
        return features(name.removeprefix("features:"))
    if name == "usps":
        return usps(folders(folder))
    if name.partition(":")[0] == "nmnist":
        return nmnist(name, folders(folder))
    if name not in (*IDX, "kmnist-7000"):
        raise ValueError(f"There is no data set '{name}': choose one of {', '.join(names())}, or features:PATH.npz.")
    return load_idx(name, folders(folder))


def digits() -> Data:
    """The 1797 digits of 8 x 8 pixels that come with scikit-learn, four in five of them for training."""
    x, y = _digits()
    order = generator("training and test samples of digits", 0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32).reshape(-1, 8, 8), y[order].astype(np.int64)
    return Data("digits", (x[:1437], y[:1437]), (x[1437:], y[1437:]), 10)


def _digits() -> Pair:
    """Pixels [image, 64] of 0 to 16 and labels, without scikit-learn's imports, which take a second and a half."""
    found = find_spec("sklearn")
    table = Path(found.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if found else None
    if table is None or not table.exists():  # it says what is missing, or has moved the file
        from sklearn.datasets import load_digits

        return load_digits(return_X_y=True)
    rows = np.loadtxt(table, delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)
