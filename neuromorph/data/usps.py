"""USPS, scanned postal digits (Hull 1994, IEEE TPAMI 16:550), as *The Elements of Statistical Learning* has them."""

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuromorph.atomic import write_arrays
from neuromorph.data.labelled import Data
from neuromorph.data.store import fetch, read_npz

# The values as int16 thousandths, then the labels as uint8, training before test.
CONTENT = "d9315fd570204b642fca1869af7ab461332109eeeaf2e5a52501fc1424891c84"
PARTS = ("x_train", "x_test", "y_train", "y_test")
URL = "https://hastie.su.domains/ElemStatLearn/datasets/"


def usps(folders: Sequence[Path]) -> Data:
    """The set, from usps.npz where a folder has it, else downloaded; raises as ``neuromorph.data.load``."""
    path = next((f / "USPS/usps.npz" for f in folders if (f / "USPS/usps.npz").exists()), None)
    if path is None:
        parts = _download(folders[-1] / "USPS")
    else:
        parts = read_npz(path, PARTS, "delete it and run again.")
        if not _is_usps(parts):
            raise ValueError(f"{path} does not hold the USPS digits (wrong checksum): delete it and run again.")
    x_train, x_test, y_train, y_test = parts
    return Data(
        "usps",
        (((x_train + 1) / 2).astype(np.float32), y_train.astype(np.int64)),
        (((x_test + 1) / 2).astype(np.float32), y_test.astype(np.int64)),
        10,
    )


def _is_usps(parts: list[np.ndarray]) -> bool:
    content = b"".join(np.round(p * 1000).astype("<i2").tobytes() for p in parts[:2])
    content += b"".join(p.astype(np.uint8).tobytes() for p in parts[2:])
    return hashlib.sha256(content).hexdigest() == CONTENT


def _download(place: Path) -> list[np.ndarray]:
    """The arrays from the book's text files, which are then kept as usps.npz."""
    texts = [fetch(URL + f"zip.{p}.gz", None, place, f"zip.{p}.gz", None) for p in ("train", "test")]
    try:
        rows = [np.loadtxt(text) for text in texts]
        parts = [r[:, 1:].reshape(-1, 16, 16).astype(np.float32) for r in rows]
        parts += [r[:, 0].astype(np.uint8) for r in rows]
        whole = _is_usps(parts)
    except (ValueError, IndexError, OSError, EOFError, zlib.error):
        whole = False
    if not whole:
        for text in texts:  # without a checksum of their own, they would be found again and again
            text.unlink()
        raise ValueError(f"What {URL} sent are not the USPS digits: run again, or put usps.npz into {place}.")
    write_arrays(place / "usps.npz", dict(zip(PARTS, parts, strict=True)))
    return parts
