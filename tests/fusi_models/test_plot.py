from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from fusi_models import cascade, memory_curve, simulate
from fusi_models.plot import plot_curve, plot_envelope, plot_guides


def test_plots_draw_on_the_axes_they_are_given_and_return_them():
    ax, times = Figure().add_subplot(), np.array([0, 1, 10, 100])
    theory = memory_curve(cascade(5), times, 1000)
    assert (
        plot_curve(theory, ax) is ax and plot_envelope(times, 10, 1000, ax) is ax and plot_guides(ax, (1, 3), 100) is ax
    )
    np.testing.assert_allclose(ax.lines[0].get_ydata(), theory.snr[1:])
    assert len(ax.collections) == 0  # no band around theory
    plot_curve(simulate(cascade(5), times, 1000, 5, np.random.default_rng(0)), ax)
    assert len(ax.collections) == 1
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_what_a_logarithmic_axis_cannot_show_is_marked():
    ax, times = Figure().add_subplot(), np.array([0, 1, 10, 100])
    curve = memory_curve(cascade(5), times, 1000)
    plot_curve(replace(curve, snr=np.array([9.0, 3.0, -0.1, 0.0])), ax)
    line, below = ax.lines
    assert list(line.get_xdata()) == [1] and list(below.get_xdata()) == [10, 100]
    assert below.get_marker() == "v" and below.get_color() == line.get_color() and not below.get_clip_on()
