"""Chains of very unequal rates against 60 digits."""

import mpmath as mp
import numpy as np
import pytest

from fusi_models import HiddenWeight, area, cascade, laplace, memory_curve, plain, serial
from fusi_models.reduction import occupation

DIGITS = 60


def exact(syn, rate=0):
    """Integral of exp(-rate t) S(t), by Gauss in ``DIGITS`` digits; chances to stay are 1 less those to leave."""
    size, f = syn.states, mp.mpf(syn.f_pot)

    def precise(matrix):
        rows = [[mp.mpf(x) if i != j else mp.mpf(0) for j, x in enumerate(row)] for i, row in enumerate(matrix)]
        for i, row in enumerate(rows):
            row[i] = 1 - mp.fsum(row)
        return mp.matrix(rows)

    up, down = precise(syn.potentiation), precise(syn.depression)
    step = f * up + (1 - f) * down
    balance = (step - mp.eye(size)).T
    balance[size - 1, :] = mp.ones(1, size)
    pi = mp.lu_solve(balance, mp.matrix([0] * (size - 1) + [1])).T
    strength = mp.matrix([int(w) for w in syn.strength])
    kernel = (1 + mp.mpf(rate)) * mp.eye(size) - step + mp.ones(size, 1) * pi
    h = mp.lu_solve(kernel, strength - (pi * strength)[0] * mp.ones(size, 1))
    return float(2 * f * (1 - f) * (pi * (up - down) * h)[0])


SHALLOW = [cascade(5), cascade(8, 0.3, 0.4), serial(10, 1e-9), plain(1e-14)]


@pytest.mark.parametrize(
    ("syn", "rate"),
    [*((s, r) for s in SHALLOW for r in (0, 1e-9)), (cascade(34), 0)],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_areas_and_transforms_to_twelve_digits(syn, rate):
    with mp.workdps(DIGITS):
        assert laplace(syn, np.array(float(rate))) == pytest.approx(exact(syn, rate), rel=1e-12)


def test_area_of_deep_cascades_in_closed_form():
    """(n - 1)/2 + 1/n for x = f+ = 1/2; the test above has depths 5 and 34 in 60 digits."""
    depths = np.array([1, 2, 10, 30, 60, 100, 200])
    np.testing.assert_allclose([area(cascade(n)) for n in depths], (depths - 1) / 2 + 1 / depths, rtol=1e-12)


def test_the_area_is_the_sum_of_the_curve():
    syn = cascade(6)
    assert area(syn) == pytest.approx(memory_curve(syn, np.arange(3000), 1).signal.sum(), rel=1e-9)
    lattice = HiddenWeight(0.8, 0.23).lattice()
    assert area(HiddenWeight(0.8, 0.23)) == pytest.approx(
        memory_curve(lattice, np.arange(3000), 1).signal.sum(), rel=1e-6
    )


def test_time_before_being_lost():
    """Two states: from 0 half the events lead to 1 and none is lost, from 1 a tenth is lost and a tenth goes back."""
    step, groups = np.array([[0.5, 0.5], [0.1, 0.8]]), np.eye(2)
    found = occupation(step, np.array([0.0, 0.1]), groups)
    np.testing.assert_allclose(found, np.linalg.inv(np.eye(2) - step), rtol=1e-13)


def test_a_frozen_synapse_has_no_area_rather_than_a_wrong_one():
    with pytest.raises(ValueError, match="too long for its area"):
        area(HiddenWeight(4.0, 1.0, 2.0, 0.05))
