import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

from neuromorph.figures import average_curve, bars, grid, matrix_map, memory_curves, task_accuracy  # noqa: E402
from neuromorph.metrics import AccuracyMatrix  # noqa: E402
from neuromorph.palette import SUBSTRATES, luminance  # noqa: E402
from neuromorph.study import spread  # noqa: E402

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
    lines = [line for line in ax.lines if line.get_label().startswith("task")]
    mean = matrix.accuracy.reshape(4, 4, -1).mean(-1)
    for j, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(j + 1, 5))
        np.testing.assert_allclose(line.get_ydata(), 100 * mean[j:, j])
    assert len(lines) == 4 and len(ax.collections) == (4 if replicas == (3,) else 0)


def test_grid_rounds_as_the_table_does(ax):
    """Earlier 23.7: a hundred times the mean of two fractions is a last bit below the mean of two per cents."""
    grid(np.array([[np.mean([0.375, 0.1])]]), ["a"], ["b"], "title", ax)
    assert [text.get_text() for text in ax.texts] == ["23.8"] == [spread([0.375, 0.1]).split()[0]]


def test_grid_writes_every_number_and_leaves_nan_empty(ax):
    assert grid(np.array([[0.25, np.nan], [1.0, 0.5]]), ["a", "b"], ["c", "d"], "title", ax) is ax
    assert sorted(text.get_text() for text in ax.texts) == ["100.0", "25.0", "50.0"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"] and ax.get_title() == "title"


@pytest.mark.parametrize("low_is_good", [False, True])
def test_the_good_end_is_light_and_on_the_right(low_is_good, ax):
    grid(np.array([[0.1, 0.9]]), ["a"], ["c", "d"], "title", ax, low_is_good)
    dark, light = (luminance(to_hex(patch.get_facecolor())) for patch in ax.patches)
    assert (dark < light) != low_is_good
    bar = ax.child_axes[0]
    ends = sorted(bar.patches, key=lambda patch: bar.transData.transform(patch.get_xy())[0])
    first, last = (luminance(to_hex(patch.get_facecolor())) for patch in (ends[0], ends[-1]))
    assert first < last and "the right end is good" in bar.get_xlabel()


@pytest.mark.parametrize("tasks", [2, 9, 40])
def test_a_map_of_every_task(tasks, ax):
    matrix = AccuracyMatrix(RNG.random((tasks, tasks, 2)), RNG.random((tasks, 2)))
    assert matrix_map(matrix, ax) is ax
    assert len(ax.patches) == (tasks * (tasks + 1) if tasks < 20 else 0) and len(ax.images) == (tasks > 20)
    assert len(ax.get_xticks()) <= 12 and ax.get_yticklabels()[0].get_text() == "0"
    if tasks == 9:
        assert ax.texts[9].get_text() == f"{100 * matrix.accuracy[0, 0].mean():.0f}"


def test_colours_of_many_tasks_differ(ax):
    task_accuracy(AccuracyMatrix(RNG.random((30, 30, 2)), RNG.random((30, 2))), 0.1, ax)
    assert not ax.collections  # thirty bands would hide the lines
    assert len({line.get_color() for line in ax.lines if line.get_label().startswith("task")}) == 30


def test_average_curve_has_seeds_and_references(ax):
    learned, bare = (AccuracyMatrix(RNG.random((4, 4, 3)), RNG.random((4, 3))) for _ in range(2))
    average_curve({"lava": learned, "brian2": bare}, 0.1, {"joint": [0.8, 0.9], "no protection": bare}, ax)
    lines = {line.get_label(): line for line in ax.lines}
    expected = [100 * learned.accuracy[i, : i + 1].mean() for i in range(4)]
    np.testing.assert_allclose(lines["lava"].get_ydata(), expected)
    assert len(lines["_lava, seeds"].get_xdata()) == 12
    assert lines["lava"].get_color() == SUBSTRATES["lava"][0] and lines["brian2"].get_color() == SUBSTRATES["brian2"][0]
    levels = [line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1]
    assert levels == pytest.approx([85, 10])


def test_bars_show_spread_seeds_and_references(ax):
    bars(["a", "b"], [[0.2, 0.4], [0.5]], 0.1, ax, [{"joint": 0.9, "no protection": 0.1}, {}])
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([30, 50])
    marks = {line.get_marker(): line.get_xdata() for line in ax.lines if line.get_marker() in "D|x"}
    assert marks["D"] == [90] and marks["x"] == [10] and [text.get_text() for text in ax.texts] == ["a", "b"]


def test_chance_is_drawn_at_the_bars_and_through_no_label(ax):
    ax.figure.set_size_inches(3.4, 1.6)
    bars(["real:batch=10", "cascade(n=5, x=0.5, rate=0.1), delta rule snntorch no protection"], [[0.5], [0.2]], 0.1, ax)
    lines = [one for one in ax.lines if len(set(one.get_xdata())) == 1 and len(one.get_xdata()) == 2]
    (level,) = ax.collections
    assert not lines and {x for segment in level.get_segments() for x in segment[:, 0]} == {10}
    labels = [text.get_window_extent() for text in ax.texts]
    assert all(box.x1 <= ax.get_window_extent().x1 for box in labels)  # long ones are written smaller
    for segment in map(ax.transData.transform, level.get_segments()):
        assert all(segment[:, 1].max() <= box.y0 + 1 or segment[:, 1].min() >= box.y1 for box in labels)


def test_a_point_at_0_or_100_percent_is_drawn_whole(ax):
    matrix = AccuracyMatrix(np.ones((2, 2, 2)), np.zeros((2, 2)))
    average_curve({"lava": matrix}, 0.5, {"no protection": matrix}, ax)
    task_accuracy(matrix, 0.5, ax)
    pointed = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    assert len(pointed) == 5 and not any(line.get_clip_on() for line in pointed)


def test_memory_curves_show_theory_and_every_substrate(ax):
    lags = np.array([0, 1, 10])
    measured = {name: {"signal": [0.5, 0.2, -0.01], "error": [0.01, 0.3, 0.01]} for name in ("snntorch", "lava")}
    assert memory_curves(lags, np.array([0.5, 0.3, 0.01]), measured, "plain", ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 11])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 0.3, 0.01])
    assert ax.get_legend_handles_labels()[1] == ["theory", "snntorch", "lava"]
    assert ax.get_ylim()[0] > 0 and ax.get_xscale() == ax.get_yscale() == "log"


def test_what_a_logarithmic_axis_cannot_show_is_marked_at_its_foot(ax):
    measured = {"lava": {"signal": [0.5, 1e-9, -0.3], "error": [0.01] * 3}}
    memory_curves(np.array([0, 1, 10]), np.array([0.5, 0.3, 0.01]), measured, "plain", ax)
    (below,) = (line for line in ax.lines if line.get_label() == "_lava, below")
    np.testing.assert_allclose(below.get_xdata(), [2, 11])
    assert set(below.get_ydata()) == {ax.get_ylim()[0]} and below.get_marker() == "v" and not below.get_clip_on()


def test_new_axes_where_none_are_given():
    returned = grid(np.zeros((1, 1)), ["a"], ["b"], "t")
    assert returned.figure in map(plt.figure, plt.get_fignums())
    plt.close(returned.figure)
