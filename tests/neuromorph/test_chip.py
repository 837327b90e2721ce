"""The widths are those of Lava's own model of the neuron."""

import pytest

from neuromorph import chip


def test_membrane_decay_and_threshold_units_are_lava_s():
    pytest.importorskip("lava")
    from neuromorph.lava.compat import running  # noqa: F401  before any lava module

    from lava.proc.lif.models import PyLifModelBitAcc  # isort: skip

    model = PyLifModelBitAcc({})
    assert model.max_uv_val - 1 == chip.MEMBRANE_LIMIT
    assert model.decay_unity == chip.DECAY_UNITY
    assert 2**model.vth_shift == 2**model.act_shift == chip.UNITS
