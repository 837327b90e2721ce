import numpy as np
from matplotlib.figure import Figure

from neuromorph.lava.drawing import WIDEST, distinct, membranes, raster, shown

RNG = np.random.default_rng(0)


def test_a_narrow_layer_is_drawn_whole():
    ours = RNG.random((5, 12)) < 0.3
    np.testing.assert_array_equal(shown(ours, ours), np.arange(12))
    ax = raster(ours, ours, "title", Figure().add_subplot())
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(k) for k in range(12)]
    assert ax.get_title() == "title" and len(ax.lines[2].get_xdata()) == 0  # nothing differs


def test_of_a_wide_layer_neurons_that_differ_or_spike_are_drawn():
    ours = np.zeros((6, 1000), bool)
    ours[0, 100:900] = True
    lava = ours.copy()
    lava[3, [7, 950]] = True
    chosen = shown(ours, lava)
    assert len(chosen) == WIDEST and {7, 950} <= set(chosen) and (np.diff(chosen) > 0).all()
    others = np.setdiff1d(chosen, [7, 950])
    assert others.min() == 100 and others.max() == 899
    ax = raster(ours, lava, "title", Figure().add_subplot())
    assert ax.get_ylim() == (-0.5, WIDEST - 0.5) and "198 are silent" in ax.get_title()
    ticks = {int(row): label.get_text() for row, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    assert all(label == str(chosen[row]) for row, label in ticks.items())


def test_membranes_of_distinct_neurons_are_named_and_their_threshold_too():
    spikes, traces = np.zeros((4, 6), bool), np.array([[1.0, 1, 2, 2, 3, 3]] * 4)
    spikes[:2, 2:4] = True
    chosen = distinct(spikes, traces)
    assert list(chosen) == [2, 0, 4]  # the liveliest first, none twice
    drawn = membranes(traces[:, chosen], traces[:, chosen].astype(int), [4, 4, 5], "t", Figure().add_subplot(), chosen)
    assert drawn.get_legend_handles_labels()[1] == ["neuron 2", "neuron 0", "neuron 4"]
    assert [text.get_text() for text in drawn.texts] == ["threshold 4", "threshold 5"]
    drawn.figure.canvas.draw()
    assert drawn.get_legend().get_window_extent().y1 < drawn.get_window_extent().y0  # under the axes, on no line
