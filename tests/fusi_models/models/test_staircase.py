import numpy as np
import pytest
import torch

from fusi_models import HiddenWeight, memory_curve
from fusi_models.models.integer import fixed_point
from fusi_models.models.staircase import Staircase, closest_staircase


def test_steps_away_are_full_and_steps_back_are_damped():
    model = Staircase((16, 8, 4, 2), (16, 32, 48))
    tags = np.arange(-201, 202, 2)
    for drive in (1, -1):
        moved = drive * (model.step(tags, np.full(tags.shape, drive)) - tags)
        back = tags * drive < 0
        np.testing.assert_array_equal(moved[~back], 16)
        np.testing.assert_array_equal(moved[back], 16 * model.damping(tags[back]))
    assert model.damping(np.array([15, 17, 31, 33, 47, 49])).tolist() == [1, 0.5, 0.5, 0.25, 0.25, 0.125]
    np.testing.assert_array_equal(model.step(tags, np.zeros(tags.shape)), tags)


def test_tags_stop_at_the_ends_of_their_word():
    model = Staircase()
    assert model.step(np.array([253, -251]), np.array([1, -1])).tolist() == [255, -256]
    assert model.step(np.array([-256, -48]), np.array([1, 1])).tolist() == [-254, -45]  # sgn(0) = 0 on a clipped tag


def test_numpy_and_torch_agree_and_brian_reads_the_same_text():
    model = Staircase()
    rng = np.random.default_rng(0)
    tags, drive = model.init((400,), rng), rng.integers(-1, 2, 400).astype(float)
    assert tags.min() >= -127 and tags.max() <= 127 and np.all(tags % 2 == 1)
    found = model.step(torch.from_numpy(tags), torch.from_numpy(drive))
    assert found.dtype == torch.int64
    np.testing.assert_array_equal(found.numpy(), model.step(tags, drive))
    assert fixed_point(model) is model
    assert model.on_event.startswith("t = clip(t + int(drive > 0)*(9 + 4*sign(t + 16) + 2*sign(t + 32)")


@pytest.mark.parametrize(("m", "stairs", "distance"), [(2, 2, 0.07), (5, 3, 0.13), (10, 3, 0.19), (20, 4, 0.13)])
def test_closest_staircase_is_as_close_as_it_says(m, stairs, distance):
    model = HiddenWeight(m)
    found, said = closest_staircase(model, stairs)
    tags = np.arange(1, 256, 2)
    curve = 1 - np.tanh(m * 0.02 / 16 * tags) ** 2
    assert np.abs(found.damping(tags) - curve).max() == pytest.approx(said)
    assert said < distance
    rng = np.random.default_rng(0)
    for _ in range(200):  # no other staircase of as many stairs comes closer
        steps = (16, *sorted(2 * rng.choice(8, stairs, replace=False), reverse=True))
        thresholds = tuple(sorted(2 * rng.choice(np.arange(1, 127), stairs, replace=False)))
        other = Staircase(tuple(map(int, steps)), tuple(map(int, thresholds)))
        assert np.abs(other.damping(tags) - curve).max() >= said - 1e-9


def test_impossible_staircases_are_refused():
    with pytest.raises(ValueError, match="falling even steps"):
        Staircase((16, 7), (16,))
    with pytest.raises(ValueError, match="rising even thresholds"):
        Staircase((16, 8, 4), (32, 16))
    with pytest.raises(ValueError, match="width"):
        Staircase(width=300)
    with pytest.raises(ValueError, match="raise m or step_size, or take fewer stairs"):
        closest_staircase(HiddenWeight(0.1), 4)
    with pytest.raises(ValueError, match="no linear theory: simulate it"):
        memory_curve(Staircase(), np.array([0]), 1)


@pytest.mark.parametrize("width", [1, 2, 3, 126, 127, 128, 160, 255])
def test_initial_tags_are_odd_and_fill_the_width(width):
    tags = Staircase(width=width).init((20_000,), np.random.default_rng(0))
    odd = width - 1 + width % 2
    assert np.all(tags % 2 == 1) and tags.min() == -odd and tags.max() == odd
