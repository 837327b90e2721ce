import numpy as np
import pytest

from neuromorph import streams
from neuromorph.data import load


@pytest.fixture
def computed(tmp_path):
    """Features of 12 and 5 samples, and where they are stored."""
    rng = np.random.default_rng(0)
    arrays = {"train_x": rng.gamma(1, 5, (12, 7)), "train_y": np.arange(12) % 3}
    arrays |= {"test_x": rng.gamma(1, 5, (5, 7)), "test_y": np.arange(5) % 3}
    return arrays, tmp_path / "cifar.npz"


def test_features_are_scaled_one_by_one(computed):
    arrays, path = computed
    np.savez(path, **arrays)
    found = load(f"features:{path}")
    assert (found.name, found.train[0].shape, found.test[0].shape, found.classes) == ("cifar", (12, 1, 7), (5, 1, 7), 3)
    assert found.train[0].dtype == np.float32 and found.train[1].dtype == np.int64
    np.testing.assert_allclose(found.train[0].mean((1, 2)), 0.5, atol=1e-6)
    np.testing.assert_allclose(found.train[0].std((1, 2)), 1 / 6, atol=1e-6)
    np.savez(path, **arrays | {"train_x": arrays["train_x"] * 9 + 4})
    np.testing.assert_allclose(load(f"features:{path}").train[0], found.train[0], atol=1e-6)
    np.savez(path, **arrays | {"train_x": np.full((12, 7), 3.0)})
    np.testing.assert_array_equal(load(f"features:{path}").train[0], np.full((12, 1, 7), 0.5))
    assert len(streams.by_name(f"split-class-features:{path}", 3, 0)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": None}, "lacks an array.*train_x"),
        ({"train_x": np.zeros((12, 7, 2))}, r"features \(12, 7, 2\)"),
        ({"test_y": np.zeros(5)}, "labels .* of float64"),
        ({"train_x": np.full((12, 7), "a")}, "features .* of <U1"),
        ({"train_x": np.zeros((12, 0))}, r"features \(12, 0\)"),
        ({"train_y": np.arange(12) % 3 + 1, "test_y": np.ones(5, int)}, "1 to 3, but none of class 0: number the clas"),
        ({"train_y": np.arange(12) % 3 * 2}, "0 to 4, but none of class 1 and others: number the classes from 0"),
        ({"train_y": np.arange(12) % 3 - 1}, "label -1: number the classes from 0"),
        ({"test_y": np.zeros(5, int)}, "no test samples of class 1 and others: give every class some, or leave it"),
        ({"test_y": np.full(5, 3)}, "test labels up to 3, but training labels only up to 2"),
        ({"train_y": np.zeros(12, int), "test_y": np.zeros(5, int)}, "one class, so that there is nothing to tell"),
        ({"test_y": np.zeros(4, int)}, "samples have shape"),
        ({"test_x": np.full((5, 7), np.nan)}, "NaN"),
    ],
)
def test_wrong_features_are_named(change, message, computed):
    arrays, path = computed
    np.savez(path, **{k: v for k, v in (arrays | change).items() if v is not None})
    with pytest.raises(ValueError, match=message):
        load(f"features:{path}")


def test_features_that_are_no_file(computed):
    arrays, path = computed
    with pytest.raises(FileNotFoundError, match="no file .*cifar.npz: save train_x"):
        load(f"features:{path}")
    for wrong in ("/dev/null", str(path.parent)):
        with pytest.raises(FileNotFoundError, match=f"no file {wrong}: save train_x"):
            load(f"features:{wrong}")
    np.savez(path, **arrays)
    whole = path.read_bytes()
    for content in (b"PK no", b"", b"abc", whole[: len(whole) // 2], whole[:-20]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no readable npz file of numbers .*: save train_x"):
            load(f"features:{path}")
    path.write_bytes(whole[:200] + bytes(b ^ 255 for b in whole[200:260]) + whole[260:])
    with pytest.raises(ValueError, match="cifar.npz is damaged or cut off .*: save train_x"):
        load(f"features:{path}")
    np.savez(path)
    with pytest.raises(ValueError, match="lacks an array: train_x, train_y, test_x, test_y; save"):
        load(f"features:{path}")
    np.savez(path, **arrays | {"train_x": np.array([{}] * 12)})
    with pytest.raises(ValueError, match="damaged or cut off .*allow_pickle"):
        load(f"features:{path}")
    np.save(path.with_suffix(".npy"), arrays["train_x"])
    with pytest.raises(ValueError, match="cifar.npy is a single array and no npz file: save train_x"):
        load(f"features:{path.with_suffix('.npy')}")


def test_a_path_may_hold_plus_and_colon(computed):
    arrays, path = computed
    for name in ("a+b.npz", "c:d=1.npz"):
        np.savez(path.with_name(name), **arrays)
    for name in ("a+b.npz", "c:d=1.npz"):
        where = f"features:{path.with_name(name)}"
        assert len(streams.by_name(f"split-{where}", 1, 0)[0].train[1]) == 12
        assert [t.name for t in streams.by_name(f"split-class-{where}:order=2-0-1", 3, 0)] == [
            "classes 2",
            "classes 0",
            "classes 1",
        ]
        assert [t.name for t in streams.by_name(f"sequence-digits+{where}+digits", 3, 0)] == [
            "digits",
            path.with_name(name).stem,
            "digits",
        ]
