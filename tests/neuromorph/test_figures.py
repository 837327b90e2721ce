import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from neuromorph.figures import grid, memory_curves, task_accuracy  # noqa: E402
from neuromorph.metrics import AccuracyMatrix  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.mark.parametrize("replicas", [(), (1,), (3,)])
def test_task_accuracy(replicas, ax):
    matrix = AccuracyMatrix(RNG.random((4, 4, *replicas)), RNG.random((4, *replicas)))
    assert task_accuracy(matrix, 0.1, ax) is ax
    lines = [line for line in ax.lines if len(line.get_xdata()) and line.get_label().startswith("task")]
    mean = matrix.accuracy.reshape(4, 4, -1).mean(-1)
    for j, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(j + 1, 5))
        np.testing.assert_allclose(line.get_ydata(), mean[j:, j])
    assert len(lines) == 4 and len(ax.collections) == (4 if replicas == (3,) else 0)


def test_grid_writes_every_number_and_leaves_nan_empty(ax):
    assert grid(np.array([[0.25, np.nan], [1.0, 0.5]]), ["a", "b"], ["c", "d"], "title", ax) is ax
    assert sorted(text.get_text() for text in ax.texts) == ["0.25", "0.50", "1.00"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"] and ax.get_title() == "title"


def test_memory_curves_show_theory_and_every_substrate(ax):
    lags = np.array([0, 1, 10])
    measured = {name: {"signal": [0.5, 0.2, -0.01], "error": [0.01, 0.3, 0.01]} for name in ("torch", "lava")}
    assert memory_curves(lags, np.array([0.5, 0.3, 0.01]), measured, "plain", ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 11])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 0.3, 0.01])
    assert ax.get_legend_handles_labels()[1] == ["theory", "torch", "lava"]
    assert ax.get_ylim()[0] > 0 and ax.get_xscale() == ax.get_yscale() == "log"


def test_new_axes_where_none_are_given():
    returned = grid(np.zeros((1, 1)), ["a"], ["b"], "t")
    assert returned.figure in map(plt.figure, plt.get_fignums())
    plt.close(returned.figure)
