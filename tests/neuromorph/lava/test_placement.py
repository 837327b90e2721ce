"""Networks as shapes on many chips: against the mapper of real networks, by hand, and a billion synapses."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from neuromorph.lava import LayerSpec, NetworkSpec
from neuromorph.lava.mapping import CHIPS, map_layers
from neuromorph.lava.placement import SYSTEMS, Population, Projection, Shape, draw, draw_systems, place, shape_of

DENSE = Shape((Population("in", 100_000, host=True), Population("out", 10_000)), (Projection("in", "out", 100_000),))


@pytest.mark.parametrize("bits", [2, 8])
def test_a_small_network_takes_the_cores_of_the_mapper(bits):
    weights = [np.ones((n, fan_in), np.int8) for fan_in, n in ((300, 700), (700, 1500), (1500, 40))]
    spec = NetworkSpec(tuple(LayerSpec(one, 5, 410) for one in weights), 4, 1)
    blocks = place(shape_of(spec), "loihi1", bits).blocks
    cores, _ = map_layers(spec, CHIPS["loihi1"], bits)
    assert [block.cores for block in blocks] == [sum(core.layer == n for core in cores) for n in (1, 2, 3)]


def test_a_billion_synapses_fit_and_most_spikes_cross():
    links = tuple(Projection(s, t, 800 if s == "E" else 200) for s in "EI" for t in "EI")
    placed = place(Shape((Population("E", 800_000), Population("I", 200_000)), links))
    assert placed.synapses == 10**9 and not placed.problems and 1 < placed.chips < 1152
    assert all(0 < load <= 1 for block in placed.blocks for load in block.fill.values())
    inside, crossing, host = placed.messages()
    assert 0 < crossing <= inside * (1 + 1e-9) and host == 0
    assert "Hala Point" in str(placed)


def test_fan_in_is_cut_only_where_spikes_carry_numbers():
    assert "synapse memory of one neuron" in " ".join(place(DENSE, "loihi1").problems)
    assert place(DENSE, "loihi1").joules() is None
    placed = place(DENSE, "loihi2")
    assert not placed.problems
    assert sum(one.fan_in for one in placed.shape.projections if one.source == "in") >= 100_000


def test_refusals():
    with pytest.raises(ValueError, match="fan_in 5 of 4"):
        Shape((Population("a", 4),), (Projection("a", "a", 5),))
    with pytest.raises(ValueError, match="known chips"):
        place(DENSE, "loihi3")


def test_the_figure_has_a_bar_for_every_limit_of_every_population_and_names_them():
    placed = [place(DENSE, chip) for chip in ("loihi1", "loihi2")]
    axes = Figure().subplots(1, 3)
    for one, ax in zip(placed, axes, strict=False):
        assert draw(one, ax) is ax and one.chip.name in ax.get_title()
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert len(ax.patches) == len(labels) * len(one.blocks[0].fill)
        assert labels[0].startswith("out\n") and ("parts of its fan-in" in labels[-1]) == (one is placed[1])
        assert ax.get_xlim()[1] > 100 * max(max(block.fill.values()) for block in one.blocks)
    bars = draw_systems(placed, axes[2]).patches
    assert [bar.get_width() for bar in bars] == [one.cores for one in (*placed, *SYSTEMS)]
