import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusi_models.theory.quadratic import QuadraticTask, random_task, signs


@given(st.integers(1, 12), st.integers(0, 1000))
def test_the_increase_of_a_flip_is_the_difference_of_two_losses(size, seed):
    rng = np.random.default_rng(seed)
    task, hidden = random_task(size, rng), rng.standard_normal(size)
    binary = signs(hidden)
    flipped = [task.loss(np.where(np.arange(size) == i, -binary, binary)) - task.loss(binary) for i in range(size)]
    np.testing.assert_allclose(task.flip_increase(hidden), flipped, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 10), st.integers(0, 1000))
def test_the_law_is_exact_for_a_diagonal_hessian(size, seed):
    """Weights that diverge: their gradient never changes, W_h(t) = W_h(0) - eta t g."""
    rng = np.random.default_rng(seed)
    task = random_task(size, rng, diagonal=True)
    hidden = task.trajectory(np.zeros(size), 0.01, 200)[-1]
    out = np.abs(task.target) > 1
    exact, law = task.flip_increase(hidden), task.predicted_increase(hidden, 0.01, 200)
    assert (signs(hidden) == signs(task.target))[out].all()
    # One that starts on the wrong side crosses in its first step, which was larger by 2 eta H_ii.
    first = np.where(task.target < 0, 4 * np.diag(task.hessian) / 200, 0)
    np.testing.assert_allclose((law - first)[out], exact[out], rtol=1e-9)


def test_the_law_holds_in_many_dimensions():
    """Sizes of 60 and more average the oscillating bits out."""
    rng = np.random.default_rng(0)
    task = random_task(80, rng)
    hidden = task.trajectory(0.01 * rng.standard_normal(80), 0.01, 2000)[-1]
    exact, law = task.flip_increase(hidden), task.predicted_increase(hidden, 0.01, 2000)
    large = np.abs(hidden) > 0.25 * np.abs(hidden).max()
    assert large.sum() > 20
    assert np.median(np.abs(law / exact - 1)[large]) < 0.06
    assert np.corrcoef(np.abs(hidden), exact)[0, 1] > 0.9


def test_a_weight_diverges_where_its_optimum_is_out_of_reach():
    task = QuadraticTask(np.array([[2.4047, 0.2158], [0.2158, 0.7733]]), np.array([1.5, 0.5]))
    path = task.trajectory(np.array([0.01, 0.02]), 0.35, 500)
    assert path.shape == (501, 2)
    slope = np.polyfit(np.arange(501), path[:, 0], 1)[0]
    assert slope == pytest.approx(0.41, abs=0.01) and np.abs(path[:, 1]).max() < 0.5


def test_the_random_task_is_as_asked():
    task = random_task(200, np.random.default_rng(0))
    values = np.linalg.eigvalsh(task.hessian)
    assert values.min() > 10.4 and values.max() < 29.6 and values.mean() == pytest.approx(20, abs=1)
    assert np.abs(task.target).max() < 4
    diagonal = random_task(5, np.random.default_rng(0), diagonal=True).hessian
    np.testing.assert_array_equal(diagonal, np.diag(np.diag(diagonal)))


@pytest.mark.parametrize(
    ("hessian", "message"),
    [
        (np.eye(3), r"symmetric \[2, 2\]"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
    ],
)
def test_impossible_hessians_are_refused(hessian, message):
    with pytest.raises(ValueError, match=message):
        QuadraticTask(hessian, np.zeros(2))
