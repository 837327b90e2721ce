import numpy as np
import pytest
import torch

from fusi_models.equations import evaluate, like, where

CODE = """
    up = int(drive > 0)
    h = clip(h + 0.1*up*abs(drive) - tanh(h)*exp(-h**2) + floor(sqrt(h + 3)) + sign(h), -1, 2.5)
"""


def test_numpy_and_torch_compute_the_same():
    h, drive = np.linspace(-2, 2, 9), np.tile([-1.0, 0.0, 1.0], 3)
    expected = np.clip(
        h + 0.1 * (drive > 0) * abs(drive) - np.tanh(h) * np.exp(-(h**2)) + np.floor(np.sqrt(h + 3)) + np.sign(h),
        -1,
        2.5,
    )
    found = evaluate(CODE, {"h": h, "drive": drive})
    assert set(found) == {"h", "drive", "up"}
    np.testing.assert_allclose(found["h"], expected, rtol=1e-14)
    tensors = evaluate(CODE, {"h": torch.tensor(h), "drive": torch.tensor(drive)})
    assert isinstance(tensors["h"], torch.Tensor)
    np.testing.assert_allclose(tensors["h"].numpy(), expected, rtol=1e-14)


def test_conditions_take_the_type_of_the_tensors():
    for given, expected in (
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.int64, torch.float64),
    ):
        found = evaluate("h = h + 0.1*int(h > 0)", {"h": torch.ones(2, dtype=given)})
        assert found["h"].dtype == expected
        assert found["h"].tolist() == pytest.approx([1.1, 1.1], rel=1e-6)


def test_given_arrays_stay_as_they_are():
    h = np.zeros(3)
    evaluate("h = h + 1", {"h": h})
    assert h.tolist() == [0, 0, 0]


def test_unknown_variables_and_builtins_are_refused():
    for code in ("h = g + 1", "h = open('a')"):
        with pytest.raises(NameError):
            evaluate(code, {"h": np.zeros(2)})


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_like_and_where_keep_the_kind(kind):
    array = kind([1.0, 2.0])
    assert type(like(np.array([3, 4]), array)) is type(array)
    chosen = where(array > 1, array, -array)
    assert type(chosen) is type(array) and chosen.tolist() == [-1, 2]
