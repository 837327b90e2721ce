"""Features that a user has computed, for example those of a convolutional network on CIFAR."""

import os
from pathlib import Path

import numpy as np

from neuromorph.data.labelled import Data, Pair, check_tested
from neuromorph.data.store import read_npz

NAMES = ("train_x", "train_y", "test_x", "test_y")
ADVICE = "save train_x, train_y, test_x, test_y there with numpy.savez."


def features(path: str | os.PathLike) -> Data:
    """Features [n, feature] as images [n, 1, feature], from a file with train_x, train_y, test_x, test_y.

    Every sample is centred on its own mean, divided by its own standard deviation, and -3..3 mapped to 0..1 (the rest
    is clipped), so that no sample needs the others. (Laborieux et al. 2021 centre in the same way and divide by the
    variance.) Labels are 0 to classes - 1, each with a training and a test sample, and two classes or more. Raises
    ``FileNotFoundError`` or ``ValueError`` saying what is missing or wrong.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}: {ADVICE}")
    arrays = read_npz(path, NAMES, ADVICE)
    train, test = _scaled(path, *arrays[:2]), _scaled(path, *arrays[2:])
    found = Data(Path(path).stem, train, test, _classes(path, train[1], test[1]))
    check_tested(f"{path}", train[1], test[1])
    return found


def _scaled(path: str | os.PathLike, x: np.ndarray, y: np.ndarray) -> Pair:
    shapes = x.ndim == 2 and x.size and y.ndim == 1 and len(y)
    if not shapes or x.dtype.kind not in "buif" or y.dtype.kind not in "ui":
        raise ValueError(
            f"{path} has features {x.shape} of {x.dtype} and labels {y.shape} of {y.dtype}: give numbers [n, feature] "
            "and whole numbers [n], n >= 1."
        )
    spread = x.std(1, keepdims=True)
    scaled = (x - x.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1) / 6 + 0.5
    return np.clip(scaled, 0, 1).astype(np.float32)[:, None], y.astype(np.int64)


def _classes(path: str | os.PathLike, train: np.ndarray, test: np.ndarray) -> int:
    found = np.unique(train)
    if found[0] < 0 or test.min() < 0:
        raise ValueError(f"{path} has the label {min(found[0], test.min())}: number the classes from 0.")
    if len(found) != found[-1] + 1:
        missing = sorted(set(range(int(found[-1]))) - set(found.tolist()))
        raise ValueError(
            f"{path} has training labels {found[0]} to {found[-1]}, but none of class {missing[0]}"
            f"{' and others' if len(missing) > 1 else ''}: number the classes from 0 without a gap."
        )
    if test.max() > found[-1]:
        raise ValueError(f"{path} has test labels up to {test.max()}, but training labels only up to {found[-1]}.")
    if len(found) < 2:
        raise ValueError(f"{path} has one class, so that there is nothing to tell apart: give two or more.")
    return len(found)
