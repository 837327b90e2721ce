"""Copies side by side answer as one network does, whatever is cut into how many."""

import gc

import brian2 as b2
import numpy as np
import pytest

from neuromorph.local_rule import brian_inference as inference
from neuromorph.local_rule.rule import LocalRule

RULE = LocalRule(num_steps=3, high=2, low=1)
RNG = np.random.default_rng(0)
RASTER = RNG.random((7, 3, 2, 12)) < 0.4
EFFICACY = RNG.choice([-1, 1], (2, 5, 12))


def test_spikes_are_those_of_the_equation():
    v, threshold = np.zeros((7, 2, 5)), RULE.tie_free_threshold(12)
    for t, found in enumerate(inference.spikes(EFFICACY, RULE, RASTER, "numpy").swapaxes(0, 1)):
        v = RULE.beta * v + np.einsum("nrs,rus->nru", RASTER[:, t], EFFICACY)
        np.testing.assert_array_equal(found, v > threshold)
        v[v > threshold] = 0
    assert found.any() and not found.all()


@pytest.mark.parametrize("limit", [{"SIDE_BY_SIDE": 3}, {"SYNAPSES": 2 * 120}, {"RASTER": 2 * 72}, {"SYNAPSES": 1}])
@pytest.mark.parametrize("ask", [inference.spikes, inference.drives])
def test_whatever_is_cut(ask, limit, monkeypatch):
    whole = ask(EFFICACY, RULE, RASTER, "numpy")
    for name, value in limit.items():
        monkeypatch.setattr(inference, name, value)
    np.testing.assert_array_equal(ask(EFFICACY, RULE, RASTER, "numpy"), whole)


def test_the_drive_is_the_sum_over_the_presentation():
    expected = np.einsum("ntrs,rus->nru", RASTER, EFFICACY)
    np.testing.assert_array_equal(inference.drives(EFFICACY, RULE, RASTER, "numpy"), expected)


def test_networks_do_not_pile_up_until_the_garbage_collector_comes_by_itself():
    gc.disable()
    try:
        for _ in range(3):
            inference.spikes(EFFICACY, RULE, RASTER, "numpy")
        left = sum(type(one) is b2.Synapses and one.name == "frozen_synapses" for one in gc.get_objects())
    finally:
        gc.enable()
    assert left == 0
