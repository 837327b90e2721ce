"""Sets of images in gzip-compressed IDX files (LeCun's format), laid out as torchvision lays them out."""

import gzip
import math
import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuromorph.data.labelled import Data
from neuromorph.data.store import find, present

# Name -> folder, address, and the SHA-256 of training images and labels, test images and labels.
IDX = {
    "mnist": (
        "MNIST/raw/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion-mnist": (
        "FashionMNIST/raw/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "kmnist": (
        "KMNIST/raw/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        {
            # MD5 as published with torchvision, from memory and not verified: the file was not at hand.
            "train-images-idx3-ubyte.gz": "md5:bdb82020997e1d708af4cf47b453dcf7",
            "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
    ),
    "emnist-letters": (
        "EMNIST/raw/",
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        {
            "emnist-letters-train-images-idx3-ubyte.gz": "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",  # noqa: E501
            "emnist-letters-train-labels-idx1-ubyte.gz": "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",  # noqa: E501
            "emnist-letters-test-images-idx3-ubyte.gz": "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",  # noqa: E501
            "emnist-letters-test-labels-idx1-ubyte.gz": "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",  # noqa: E501
        },
    ),
}

# The first 7000 training images of KMNIST in their original order: some copies of the set end early.
KMNIST_PART = "KMNIST/partial/"
KMNIST_7000 = {
    "train7000-images-idx3-ubyte.gz": "9015dc17d0d3c52059dbd01880a6487de2ed30bca1f8ad4bbe7c4e45a86e7516",
    "train7000-labels-idx1-ubyte.gz": "7070c05214dd44c224be9e552b87590de3dc0b9837e20191baa14c7af525936b",
}


def load_idx(name: str, folders: Sequence[Path]) -> Data:
    """A set of ``IDX``, or ``kmnist-7000``; raises as ``neuromorph.data.load``.

    Where the training images of KMNIST are not there but their first 7000 are, the set is those 7000: it warns, and
    the name of what is returned, which stands over every table, is ``kmnist-7000``.
    """
    whole = present(folders, IDX["kmnist"][0], next(iter(IDX["kmnist"][2])))
    if name == "kmnist" and not whole and present(folders, KMNIST_PART, next(iter(KMNIST_7000))):
        warnings.warn(
            "The 60000 training images of KMNIST are not there: its first 7000 are used in their place, and the set is "
            "called kmnist-7000 (ask for that name and this is not said).",
            stacklevel=3,
        )
        name = "kmnist-7000"
    place, url, files = IDX[name.removesuffix("-7000")]
    wanted = list(files.items())
    paths = [find(folders, place, file, digest, url) for file, digest in wanted[2 if name == "kmnist-7000" else 0 :]]
    if name == "kmnist-7000":
        paths = [find(folders, KMNIST_PART, file, digest, None) for file, digest in KMNIST_7000.items()] + paths
    x_train, y_train, x_test, y_test = (read_idx(path) for path in paths)
    classes, first = 10, 0
    if name == "emnist-letters":  # stored transposed, labels 1..26
        x_train, x_test, classes, first = x_train.swapaxes(1, 2), x_test.swapaxes(1, 2), 26, 1
    scale = np.float32(255)
    return Data(
        name,
        (x_train / scale, y_train.astype(np.int64) - first),
        (x_test / scale, y_test.astype(np.int64) - first),
        classes,
    )


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The uint8 array in a gzip-compressed IDX file. Raises ``ValueError`` where the file is cut off or no IDX."""
    try:
        with gzip.open(path, "rb") as file:  # never more than its head says: a small file may unpack to all memory
            head = file.read(4)
            dims = head[3] if head[:3] == b"\0\0\x08" and len(head) == 4 else 0
            sizes = file.read(4 * dims)
            shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4")) if len(sizes) == 4 * dims else ()
            raw = _at_most(file, math.prod(shape) + 1) if shape else b""
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut off ({error}): delete it and get it again.") from error
    if not shape or len(raw) != math.prod(shape):
        raise ValueError(f"{path} is no whole IDX file of bytes: delete it and get it again.")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _at_most(file: gzip.GzipFile, count: int) -> bytes:
    """The next ``count`` bytes, or what there is: in parts, so that a false head asks for no memory."""
    parts: list[bytes] = []
    while count > 0 and (part := file.read(min(count, 1 << 24))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
