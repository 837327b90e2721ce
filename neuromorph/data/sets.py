"""Data sets as arrays: found in ``NEUROMORPH_DATA``, else in the user's cache, else downloaded; always checked.

The folder has one sub-folder a set, laid out as torchvision lays it out: ``MNIST/raw/train-images-idx3-ubyte.gz``...
``digits`` (scikit-learn's 8x8 digits, 1797 images) is embedded and needs no file. ``features:PATH.npz`` holds features
that a user has computed, for example those of a convolutional network on CIFAR.
"""

import gzip
import hashlib
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuromorph.atomic import replacing

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Data:
    """A labelled image set. ``train``, ``test``: (x float32 [n, height, width] in [0, 1], y int64 [n]).

    Raises ``ValueError`` for arrays of another shape, values that are not finite or outside [0, 1], or labels
    that are not whole numbers 0..classes-1.
    """

    name: str
    train: Pair
    test: Pair
    classes: int

    def __post_init__(self):
        for part, (x, y) in (("train", self.train), ("test", self.test)):
            if x.ndim != 3 or y.shape != x.shape[:1] or len(x) == 0:
                raise ValueError(
                    f"{self.name} {part}: images have shape {x.shape} and labels {y.shape}: "
                    "give images [n, height, width] and labels [n], n >= 1."
                )
            if not np.isfinite(x).all() or x.min() < 0 or x.max() > 1:
                raise ValueError(
                    f"{self.name} {part}: pixels must be finite numbers between 0 and 1; scale them and remove NaN."
                )
            if not np.issubdtype(y.dtype, np.integer):
                raise ValueError(f"{self.name} {part}: labels must be whole numbers, got {y.dtype}.")
            if y.min() < 0 or y.max() >= self.classes:
                raise ValueError(
                    f"{self.name} {part}: labels run from {y.min()} to {y.max()}, not 0..{self.classes - 1}."
                )

    def limited(self, train: int | None = None, test: int | None = None, seed: int = 0) -> "Data":
        """The same set with at most so many samples, drawn without replacement by ``seed``."""

        def some(pair: Pair, count: int | None, salt: int) -> Pair:
            if count is None or count >= len(pair[0]):
                return pair
            if count < 1:
                raise ValueError(f"samples must be at least 1, got {count}.")
            kept = np.sort(np.random.default_rng([seed, salt]).choice(len(pair[0]), count, replace=False))
            return pair[0][kept], pair[1][kept]

        return replace(self, train=some(self.train, train, 0), test=some(self.test, test, 1))


# Folder, address, and the SHA-256 of training images and labels, test images and labels.
_IDX = {
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
# The values as int16 thousandths, then the labels as uint8, training before test.
_USPS_CONTENT = "d9315fd570204b642fca1869af7ab461332109eeeaf2e5a52501fc1424891c84"
_USPS_PARTS = ("x_train", "x_test", "y_train", "y_test")
_USPS_URL = "https://hastie.su.domains/ElemStatLearn/datasets/"

# The first 7000 training images of KMNIST, where the whole file is missing (some copies of the set end early).
_KMNIST_PART = {
    "train7000-images-idx3-ubyte.gz": "9015dc17d0d3c52059dbd01880a6487de2ed30bca1f8ad4bbe7c4e45a86e7516",
    "train7000-labels-idx1-ubyte.gz": "7070c05214dd44c224be9e552b87590de3dc0b9837e20191baa14c7af525936b",
}


_NMNIST = {
    "nmnist_small_train.npz": "c0e730896adf0a61c25a8231e2180cef06fee45502e77bea8c4fe80904340e47",
    "nmnist_small_test.npz": "dc9193a47f191f5204dd6633c4cc93ee92f1c9bad5708929dc7f0273808ee6e0",
}
NMNIST_FRAMES = 10


def names() -> tuple[str, ...]:
    """The data sets that ``load`` knows."""
    return ("digits", *_IDX, "usps", "nmnist")


def load(name: str, folder: str | os.PathLike | None = None) -> Data:
    """A data set by name; ``folder`` overrides ``NEUROMORPH_DATA`` and the cache.

    Raises ``ValueError`` for an unknown name or a damaged file, ``FileNotFoundError`` where a file is neither
    there nor to be had from the network; each says what to do.
    """
    if name == "digits":
        return _digits()
    if name.startswith("features:"):
        return features(name.removeprefix("features:"))
    if name == "usps":
        return _usps(_folders(folder))
    if name.partition(":")[0] == "nmnist":
        frames = name.partition(":")[2] or str(NMNIST_FRAMES)
        if not frames.isdigit() or int(frames) < 1:
            raise ValueError(f"'{name}': say how many frames an event recording becomes, for example nmnist:10.")
        return _nmnist(_folders(folder), int(frames))
    if name not in _IDX:
        raise ValueError(f"There is no data set '{name}': choose one of {', '.join(names())}, or features:PATH.npz.")
    place, url, files = _IDX[name]
    folders, wanted = _folders(folder), list(files.items())
    part = "KMNIST/partial/"
    if (
        name == "kmnist"
        and not _present(folders, place, wanted[0][0])
        and _present(folders, part, next(iter(_KMNIST_PART)))
    ):
        paths = [_find(folders, part, f, d, None) for f, d in _KMNIST_PART.items()]
        paths += [_find(folders, place, f, d, url) for f, d in wanted[2:]]
    else:
        paths = [_find(folders, place, f, d, url) for f, d in wanted]
    x_train, y_train, x_test, y_test = (read_idx(p) for p in paths)
    classes = 10
    if name == "emnist-letters":  # stored transposed, labels 1..26
        x_train, x_test, y_train, y_test, classes = (
            x_train.swapaxes(1, 2),
            x_test.swapaxes(1, 2),
            y_train - 1,
            y_test - 1,
            26,
        )
    scale = np.float32(255)
    return Data(name, (x_train / scale, y_train.astype(np.int64)), (x_test / scale, y_test.astype(np.int64)), classes)


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The uint8 array in a gzip-compressed IDX file. Raises ``ValueError`` where the file is cut off or no IDX."""
    try:
        with gzip.open(path, "rb") as file:
            raw = file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or cut off ({error}): delete it and get it again.") from error
    dims = raw[3] if len(raw) > 3 and raw[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(raw, ">u4", dims, 4).astype(int)) if dims and len(raw) >= 4 + 4 * dims else ()
    if not shape or len(raw) != 4 + 4 * dims + int(np.prod(shape)):
        raise ValueError(f"{path} is no whole IDX file of bytes: delete it and get it again.")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)


def features(path: str | os.PathLike) -> Data:
    """Features [n, feature] as images [n, 1, feature], from a file with train_x, train_y, test_x, test_y.

    Every sample is centred on its own mean, divided by its own standard deviation, and -3..3 mapped to 0..1 (the rest
    is clipped), so that no sample needs the others. (Laborieux et al. 2021 centre in the same way and divide by the
    variance.) Raises ``FileNotFoundError`` or ``ValueError`` saying what is missing or wrong.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"There is no file {path}: save train_x, train_y, test_x, test_y there with numpy.savez."
        )
    try:
        with np.load(path) as stored:
            arrays = [np.asarray(stored[k]) for k in ("train_x", "train_y", "test_x", "test_y")]
    except KeyError as error:
        raise ValueError(f"{path} lacks an array: {error.args[0]}.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no readable npz file of numbers ({error}).") from error
    pairs: list[Pair] = []
    for x, y in (arrays[:2], arrays[2:]):
        if x.ndim != 2 or y.ndim != 1 or not len(y) or not np.issubdtype(y.dtype, np.integer):
            raise ValueError(
                f"{path} has features {x.shape} and labels {y.shape} of {y.dtype}: give numbers [n, feature] and whole "
                "numbers [n], n >= 1."
            )
        spread = x.std(1, keepdims=True)
        scaled = (x - x.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1) / 6 + 0.5
        pairs.append((np.clip(scaled, 0, 1).astype(np.float32)[:, None], y.astype(np.int64)))
    return Data(Path(path).stem, pairs[0], pairs[1], int(max(pairs[0][1].max(), pairs[1][1].max())) + 1)


def frames(x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray, count: int, side: int) -> np.ndarray:
    """Event frames [count, 2 * side * side] of 0 and 1, float32: where events of each polarity fell in each part.

    ``x``, ``y``: pixels 0..side - 1, ``p``: polarity 0 or 1, ``t``: time, each [event]; the recording, up to its last
    event, is cut into ``count`` parts of equal length.
    """
    found = np.zeros((count, 2, side, side), np.float32)
    part = t.astype(np.int64) * count // (int(t.max(initial=0)) + 1)
    found[part, p, y, x] = 1
    return found.reshape(count, -1)


def _nmnist(folders: list[Path], count: int) -> Data:
    """The first digits of N-MNIST (Orchard et al. 2015, Front. Neurosci. 9:437) as images [n, frame, feature]."""
    pairs: list[Pair] = []
    for file, digest in _NMNIST.items():
        with np.load(_find(folders, "NMNIST/", file, digest, None)) as stored:
            x, y, p, t, start, labels = (stored[k] for k in ("x", "y", "p", "t", "start", "label"))
        cuts = [slice(a, b) for a, b in zip(start, start[1:], strict=False)]
        samples = np.stack([frames(x[c], y[c], p[c], t[c], count, 34) for c in cuts])
        pairs.append((samples, labels.astype(np.int64)))
    return Data("nmnist", pairs[0], pairs[1], 10)


def _digits() -> Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32).reshape(-1, 8, 8), y[order].astype(np.int64)
    return Data("digits", (x[:1437], y[:1437]), (x[1437:], y[1437:]), 10)


def _usps(folders: list[Path]) -> Data:
    path = next((f / "USPS/usps.npz" for f in folders if (f / "USPS/usps.npz").exists()), None)
    if path is None:
        parts = _download_usps(folders[-1] / "USPS")
    else:
        try:
            with np.load(path) as stored:
                parts = [stored[k] for k in _USPS_PARTS]
        except (KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged or cut off ({error}): delete it and run again.") from error
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
    return hashlib.sha256(content).hexdigest() == _USPS_CONTENT


def _download_usps(place: Path) -> list[np.ndarray]:
    """The arrays from the book's text files, which are then kept as usps.npz."""
    texts = [_fetch(_USPS_URL + f"zip.{p}.gz", None, place, f"zip.{p}.gz", None) for p in ("train", "test")]
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
        raise ValueError(f"What {_USPS_URL} sent are not the USPS digits: run again, or put usps.npz into {place}.")
    with replacing(place / "usps.npz") as unfinished:
        np.savez_compressed(unfinished, **dict(zip(_USPS_PARTS, parts, strict=True)))
    return parts


def _folders(folder: str | os.PathLike | None) -> list[Path]:
    """Where to look, in order; the last one is where downloads go."""
    import pooch

    named = folder or os.environ.get("NEUROMORPH_DATA")
    if named and not Path(named).is_dir():
        raise FileNotFoundError(
            f"The data folder {named} does not exist: set NEUROMORPH_DATA to the folder that holds MNIST/raw."
        )
    return [Path(p) for p in (named, pooch.os_cache("neuromorph")) if p]


def _present(folders: list[Path], place: str, file: str) -> bool:
    return any((f / place / file).exists() for f in folders)


def _find(folders: list[Path], place: str, file: str, digest: str, url: str | None) -> Path:
    """The path of a file whose checksum is right, downloaded where it is missing."""
    for folder in folders:
        path = folder / place / file
        if path.exists():
            kind, _, value = digest.rpartition(":")
            found = hashlib.new(kind or "sha256", path.read_bytes()).hexdigest()
            if found != value:
                raise ValueError(
                    f"{path} is damaged or another file (checksum {found[:12]}..., expected {value[:12]}...): "
                    "delete it and run again."
                )
            return path
    if url is None:
        raise FileNotFoundError(
            f"{place}{file} is missing and cannot be downloaded: set NEUROMORPH_DATA to a folder that has it."
        )
    if url.endswith(".zip"):
        return _fetch(url, digest, folders[-1] / place, file, f"gzip/{file}")
    return _fetch(url + file, digest, folders[-1] / place, file, None)


def _fetch(url: str, digest: str | None, place: Path, file: str, member: str | None) -> Path:
    """Download ``url`` with a progress bar, or take ``member`` out of the archive there."""
    import pooch

    try:
        if member is None:
            return Path(pooch.retrieve(url, digest, fname=file, path=place, progressbar=True))
        archive = Path(pooch.retrieve(url, None, fname=Path(url).name, path=place, progressbar=True))
        try:
            with zipfile.ZipFile(archive) as members, replacing(place / file) as unfinished:
                unfinished.write_bytes(members.read(member))
        except (zipfile.BadZipFile, KeyError, EOFError, zlib.error) as error:
            archive.unlink()  # without a checksum of its own, it would be found again and again
            raise ValueError("the archive is damaged") from error
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"{file} is not on this machine and could not be downloaded ({type(error).__name__}): put it into "
            f"{place}, or set NEUROMORPH_DATA to a folder that has it, or use the embedded set 'digits'."
        ) from error
    return _find([place], "", file, digest or "", None)
