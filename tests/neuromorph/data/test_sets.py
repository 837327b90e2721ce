import gzip
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pooch
import pytest
from sklearn.datasets import load_digits

from neuromorph.data import Data, load, read_idx, sets
from neuromorph.data import idx as idx_sets
from neuromorph.data import usps as usps_set

# name -> (a file that must be there, training shape, test shape, classes, test samples of each class)
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
USPS_TEST = [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]
SETS = {
    "mnist": ("MNIST/raw/train-images-idx3-ubyte.gz", (60000, 28, 28), (10000, 28, 28), MNIST_TEST),
    "fashion-mnist": ("FashionMNIST/raw/train-images-idx3-ubyte.gz", (60000, 28, 28), (10000, 28, 28), [1000] * 10),
    "emnist-letters": (
        "EMNIST/raw/emnist-letters-train-images-idx3-ubyte.gz",
        (124800, 28, 28),
        (20800, 28, 28),
        [800] * 26,
    ),
    "usps": ("USPS/usps.npz", (7291, 16, 16), (2007, 16, 16), USPS_TEST),
}


def idx(array):
    """A gzip-compressed IDX file of bytes."""
    head = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def checksum(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty user cache, and no ``NEUROMORPH_DATA``."""
    monkeypatch.delenv("NEUROMORPH_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def tiny(monkeypatch):
    """MNIST and EMNIST Letters replaced by a few small images with their checksums; {name: {file: content}}."""
    rng = np.random.default_rng(0)
    contents = {}
    for name, lowest in (("mnist", 0), ("emnist-letters", 1)):
        place, url, files = idx_sets.IDX[name]
        arrays = [rng.integers(0, 256, (6, 4, 4)), np.arange(6) + lowest] * 2
        contents[name] = {file: idx(a) for file, a in zip(files, arrays, strict=True)}
        digests = {file: checksum(content) for file, content in contents[name].items()}
        monkeypatch.setitem(idx_sets.IDX, name, (place, url, digests))
    return contents


def put(folder, name, contents):
    place = folder / idx_sets.IDX[name][0]
    place.mkdir(parents=True)
    for file, content in contents[name].items():
        (place / file).write_bytes(content)
    return place


def leftovers(folder):
    return [p for p in folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", SETS)
def test_real_set(name, data_folder, cache, no_network):
    needed, train, test, counts = SETS[name]
    if not (data_folder / needed).exists():
        pytest.skip(f"{needed} is not there")
    found = load(name, data_folder)
    assert (found.train[0].shape, found.test[0].shape, found.classes) == (train, test, len(counts))
    assert found.train[0].dtype == np.float32 and found.train[1].dtype == np.int64
    assert (found.train[0].min(), found.train[0].max()) == (0, 1)
    assert np.bincount(found.test[1]).tolist() == counts
    assert (np.bincount(found.train[1]) > 500).all()


def test_kmnist_uses_its_first_images_where_the_whole_is_missing(data_folder, cache, no_network):
    if (
        not (data_folder / "KMNIST/partial").is_dir()
        or (data_folder / "KMNIST/raw/train-images-idx3-ubyte.gz").exists()
    ):
        pytest.skip("the partial KMNIST is not there, or the whole one is")
    with pytest.warns(UserWarning, match="its first 7000 are used in their place"):
        found = load("kmnist", data_folder)
    assert found.name == "kmnist-7000"  # what stands over a table
    np.testing.assert_array_equal(load("kmnist-7000", data_folder).train[1], found.train[1])  # asked for: not said
    assert (found.train[0].shape, found.test[0].shape) == ((7000, 28, 28), (10000, 28, 28))
    assert np.bincount(found.test[1]).tolist() == [1000] * 10


def test_emnist_letters_are_upright(data_folder, cache, no_network):
    """Stored transposed; an upright I (label 8) is taller than wide."""
    if not (data_folder / SETS["emnist-letters"][0]).exists():
        pytest.skip("EMNIST is not there")
    x, y = load("emnist-letters", data_folder).test
    mean = x[y == 8].mean(0)
    assert mean.sum(1).std() < mean.sum(0).std()


def test_digits_are_scikit_learns_and_load_nothing_of_it(cache):
    code = "import sys; from neuromorph.data import load; load('digits'); assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    for ours, theirs in zip(sets._digits(), load_digits(return_X_y=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_npz_file_that_may_not_be_read_is_not_said_to_be_damaged(tmp_path, monkeypatch):
    (tmp_path / "mine.npz").touch()

    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(np, "load", denied)
    with pytest.raises(PermissionError):
        load(f"features:{tmp_path}/mine.npz")


def test_digits_are_embedded(cache, no_network):
    digits = load("digits")
    assert (digits.train[0].shape, digits.test[0].shape, digits.classes) == ((1437, 8, 8), (360, 8, 8), 10)
    assert (np.bincount(np.concatenate([digits.train[1], digits.test[1]])) > 170).all()
    again = load("digits")
    np.testing.assert_array_equal(again.train[0], digits.train[0])
    assert not cache.exists()


def test_unknown_names_list_the_known():
    with pytest.raises(ValueError, match="no data set 'mnits': choose one of digits, mnist, .*usps"):
        load("mnits")


def test_folder_that_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROMORPH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere does not exist: set NEUROMORPH_DATA"):
        load("mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist", "emnist-letters", "usps"])
def test_without_network_the_sentence_says_what_to_do(name, cache, no_network):
    with pytest.raises(FileNotFoundError, match="could not be downloaded.*NEUROMORPH_DATA.*'digits'"):
        load(name)
    assert not cache.exists() or not leftovers(cache)


def test_the_named_folder_comes_before_the_cache(tiny, tmp_path, cache, no_network):
    put(cache, "mnist", tiny)
    assert len(load("mnist").train[0]) == 6
    place = put(tmp_path / "mine", "mnist", tiny)
    (place / "t10k-labels-idx1-ubyte.gz").write_bytes(b"other")
    with pytest.raises(ValueError, match="mine.*damaged or another file"):
        load("mnist", tmp_path / "mine")


@pytest.mark.parametrize("spoil", [lambda c: c[:-5], lambda c: c[:-1] + b"\7", lambda c: b""])
def test_damaged_file(spoil, tiny, cache, no_network):
    place = put(cache, "mnist", tiny)
    file = place / "train-images-idx3-ubyte.gz"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match="train-images.*damaged or another file.*delete it and run again"):
        load("mnist")


def test_idx_files(tmp_path):
    array = np.arange(24).reshape(2, 3, 4).astype(np.uint8)
    file = tmp_path / "a.gz"
    file.write_bytes(idx(array))
    np.testing.assert_array_equal(read_idx(file), array)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        idx(np.zeros((40, 5)))[:-9],
        idx(np.arange(5000) % 7)[:10] + b"\xff" * 20,  # bad inside the compressed stream
        gzip.compress(b"\0\0\x08\1\0\0\0\5abc"),
        gzip.compress(b"\0\0\x08"),
        gzip.compress(b"\0\0\x0d\1\0\0\0\1abcd"),
    ],
    ids=["empty", "text", "cut", "bad stream", "too few", "short head", "another type"],  # gzip has the time in it
)
def test_what_is_no_whole_idx_file(content, tmp_path):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match="a.gz.*delete it and get it again"):
        read_idx(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.reshape(5, -1), y), r"shape \(5, 16\)"),
        (lambda x, y: (x, y[:4]), r"labels \(4,\)"),
        (lambda x, y: (x[:0], y[:0]), "n >= 1"),
        (lambda x, y: (np.where(x == x[2, 1, 1], np.nan, x), y), "NaN"),
        (lambda x, y: (x * 255, y), "between 0 and 1"),
        (lambda x, y: (x - 1, y), "between 0 and 1"),
        (lambda x, y: (x, y + 1), r"labels run from 1 to 5, not 0\.\.4"),
        (lambda x, y: (x, y - 1), "labels run from -1"),
        (lambda x, y: (x, np.where(y == 1, np.nan, y)), "labels must be whole numbers"),
    ],
)
def test_wrong_arrays_are_refused(change, message):
    good = np.random.default_rng(0).random((5, 4, 4), np.float32), np.arange(5)
    Data("mine", good, good, 5)
    for pairs in ((change(*good), good), (good, change(*good))):
        with pytest.raises(ValueError, match=message):
            Data("mine", *pairs, 5)


def test_limited_draws_without_replacement_by_seed():
    digits = load("digits")
    some = digits.limited(300, 50, seed=3)
    assert (len(some.train[0]), len(some.test[0])) == (300, 50)
    rows = {x.tobytes() for x in digits.train[0]}
    kept = {x.tobytes() for x in some.train[0]}
    assert kept < rows and len(kept) > 295  # a few digits occur twice
    np.testing.assert_array_equal(digits.limited(300, 50, seed=3).train[0], some.train[0])
    assert (digits.limited(300, seed=4).train[0] != some.train[0]).any()
    assert digits.limited().train is digits.train and digits.limited(10**6).train is digits.train
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=f"samples must be at least 1, got {wrong}"):
            digits.limited(wrong)


class Site:
    """A server: pooch downloads from it through its own code, into a temporary name first."""

    def __init__(self, files):
        self.files, self.asked, self.breaks, self.bars = files, [], (), set()

    def choose(self, url, progressbar=False):
        self.bars.add(progressbar)

        def downloader(url, output_file, pooch_object):
            self.asked.append(url)
            with open(output_file, "wb") as file:
                file.write(self.files[url][:20])
                if url in self.breaks:
                    raise KeyboardInterrupt
                file.write(self.files[url][20:])

        return downloader


@pytest.fixture
def site(monkeypatch):
    site = Site({})
    monkeypatch.setattr(pooch.core, "choose_downloader", site.choose)
    return site


def test_download_is_kept_in_the_cache(tiny, cache, site):
    site.files = {idx_sets.IDX["mnist"][1] + file: content for file, content in tiny["mnist"].items()}
    first = load("mnist")
    assert first.train[0].shape == (6, 4, 4) and len(site.asked) == 4
    np.testing.assert_array_equal(load("mnist").test[0], first.test[0])
    assert len(site.asked) == 4 and site.bars == {False}, "a bar in a log"
    assert sorted(p.name for p in leftovers(cache)) == sorted(tiny["mnist"])


def test_an_interrupted_download_leaves_nothing(tiny, cache, site):
    site.files = {idx_sets.IDX["mnist"][1] + file: content for file, content in tiny["mnist"].items()}
    site.breaks = set(site.files)
    with pytest.raises(KeyboardInterrupt):
        load("mnist")
    assert leftovers(cache) == []
    site.breaks = ()
    assert len(load("mnist").train[0]) == 6


def test_a_wrong_download_is_not_kept(tiny, cache, site):
    site.files = {idx_sets.IDX["mnist"][1] + file: b"<html>" for file in tiny["mnist"]}
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        load("mnist")
    assert leftovers(cache) == []


def archive(members):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return memory.getvalue()


def test_members_of_an_archive(tiny, cache, site):
    url = idx_sets.IDX["emnist-letters"][1]
    site.files = {url: archive({f"gzip/{file}": content for file, content in tiny["emnist-letters"].items()})}
    letters = load("emnist-letters")
    assert site.asked == [url]
    assert letters.train[1].tolist() == list(range(6)) and letters.classes == 26
    stored = read_idx(cache / "EMNIST/raw/emnist-letters-train-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(letters.train[0] * 255, stored.swapaxes(1, 2))


@pytest.mark.parametrize("content", [b"<html>", archive({"other": b"1"})])
def test_a_wrong_archive_is_not_kept(content, tiny, cache, site):
    url = idx_sets.IDX["emnist-letters"][1]
    site.files = {url: content}
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        load("emnist-letters")
    assert leftovers(cache) == []
    site.files = {url: archive({f"gzip/{file}": content for file, content in tiny["emnist-letters"].items()})}
    assert len(load("emnist-letters").train[0]) == 6


def usps_rows(count, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(-1, 1, (count, 256)), 3).astype(np.float32)
    return x.reshape(-1, 16, 16), np.arange(count, dtype=np.uint8)


@pytest.fixture
def usps(site, monkeypatch):
    """A small USPS on the server, with its checksum; the arrays in the order of the npz file."""
    parts = [usps_rows(10, 0), usps_rows(4, 1)]
    for name, (x, y) in zip(("train", "test"), parts, strict=True):
        lines = [
            " ".join([f"{label:.4f}", *(f"{v:.3f}" for v in image.ravel())]) for image, label in zip(x, y, strict=True)
        ]
        site.files[usps_set.URL + f"zip.{name}.gz"] = gzip.compress("\n".join(lines).encode())
    content = b"".join(np.round(x * 1000).astype("<i2").tobytes() for x, _ in parts)
    monkeypatch.setattr(usps_set, "CONTENT", checksum(content + b"".join(y.tobytes() for _, y in parts)))
    return parts


def test_usps_is_converted_once(usps, cache, site):
    found = load("usps")
    np.testing.assert_allclose(found.train[0], (usps[0][0] + 1) / 2, atol=1e-6)
    assert found.test[1].tolist() == [0, 1, 2, 3]
    for file in cache.rglob("*.gz"):
        file.unlink()
    np.testing.assert_array_equal(load("usps").test[0], found.test[0])
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    "content",
    [b"<html>", gzip.compress(b"<html>"), gzip.compress(b"1 2\n3\n"), None],
    ids=["text", "page", "lines", "nothing"],
)
def test_a_wrong_usps_file_is_not_kept(content, usps, cache, site):
    url = usps_set.URL + "zip.test.gz"
    right = site.files[url]
    site.files[url] = content or site.files[usps_set.URL + "zip.train.gz"]
    with pytest.raises(ValueError, match="USPS.*run again"):
        load("usps")
    assert leftovers(cache) == []
    site.files[url] = right
    assert len(load("usps").test[0]) == 4


def test_an_interrupted_conversion_leaves_no_half_file(usps, cache, monkeypatch):
    write = Path.write_bytes

    def half(path, content):
        write(path, content[: len(content) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            load("usps")
    assert not [p for p in leftovers(cache) if "usps" in p.name]
    assert len(load("usps").train[0]) == 10


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-30], lambda c: c[:200] + b"\1\2\3" + c[203:], lambda c: b"", lambda c: b"abc"]
)
def test_damaged_usps(spoil, usps, cache):
    load("usps")
    file = cache / "USPS/usps.npz"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match="usps.npz.*delete it and run again"):
        load("usps")


def test_another_usps(usps, cache):
    load("usps")
    with np.load(cache / "USPS/usps.npz") as stored:
        parts = dict(stored)
    np.savez(cache / "USPS/usps.npz", **parts | {"y_test": parts["y_test"][::-1]})
    with pytest.raises(ValueError, match="wrong checksum"):
        load("usps")
