import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fusi_models.models.calcium import (
    SHOUVAL_2002,
    YEUNG_2004,
    YEUNG_2004_SELECTIVE,
    YU_2008,
    Metaplasticity,
    Rate,
    TwoDecays,
)


@pytest.mark.parametrize(("voltage", "open_", "driving"), [(-65, 0.05967, -11.6353), (0, 0.78118, -101.5536)])
def test_magnesium_block(voltage, open_, driving):
    assert SHOUVAL_2002.magnesium_open(voltage) == pytest.approx(open_, abs=1e-5)
    assert SHOUVAL_2002.driving(voltage) == pytest.approx(driving, abs=1e-4)


def test_the_driving_force_is_largest_near_10_mv_and_turns_at_the_reversal_potential():
    voltage = np.arange(-90.0, 150.0)
    assert voltage[SHOUVAL_2002.driving(voltage).argmin()] == pytest.approx(10, abs=3)
    assert SHOUVAL_2002.driving(130.0) == 0 < SHOUVAL_2002.driving(131.0)


@pytest.mark.parametrize(
    ("synapse", "calcium", "expected"),
    [
        (SHOUVAL_2002, [0.2, 0.35, 0.45, 0.55, 0.6], [0.25, 0.125, 0.00042, 0.5, 0.98201]),
        (YU_2008, [0.3, 0.4, 0.5, 0.6], [-0.24966, -0.47302, 0.00017, 0.48202]),
    ],
)
def test_omega(synapse, calcium, expected):
    np.testing.assert_allclose(synapse.omega(calcium), expected, atol=1e-5)


def test_omega_has_no_overflow_and_its_ends():
    with np.errstate(over="raise"):
        np.testing.assert_allclose(SHOUVAL_2002.omega([-50.0, 50.0]), [0.25, 1.0])


def test_eta_2002_in_1_per_s():
    per_second = 1000 * SHOUVAL_2002.rate([0.1, 0.35, 0.55, 1])
    np.testing.assert_allclose(per_second, [0.01, 0.3001, 0.6246, 0.9091], atol=6e-5)


def test_eta_2002_is_the_formula_of_the_paper():
    c = np.linspace(0, 2, 50)
    np.testing.assert_allclose(1000 * SHOUVAL_2002.rate(c), 1 / (0.1 / (1e-5 + c**3) + 1.0), rtol=1e-12)


def test_conductance_halves_where_the_mean_square_is_100():
    for synapse in (YU_2008, YEUNG_2004, YEUNG_2004_SELECTIVE):
        assert synapse.meta.equilibrium(100.0) == pytest.approx(synapse.meta.target / 2)
        assert synapse.meta.equilibrium(0.0) == synapse.meta.target


def test_mean_square_under_poisson_spikes():
    bpap, rate, dt = YEUNG_2004.bpap, 0.02, 0.05
    gaps = np.random.default_rng(0).exponential(1 / rate, 20_000)
    since = np.arange(0, 800, dt)
    kernel = bpap.size * (bpap.fast * np.exp(-since / bpap.tau_fast) + bpap.slow * np.exp(-since / bpap.tau_slow))
    area = np.interp(gaps, np.append(since, 800), np.append(0, np.cumsum(kernel**2) * dt))
    assert area.sum() / gaps.sum() == pytest.approx(bpap.mean_square(rate), rel=0.02)
    assert bpap.mean_square(0.0) == 0
    assert TwoDecays(3, 1, 0, 10, 10).mean_square(1e9) == pytest.approx(9)


def test_fixed_takes_the_metaplasticity_away():
    still = YEUNG_2004.fixed(-2e-3)
    assert still.conductance == -2e-3
    with pytest.raises(ValueError, match="recover"):
        still.meta.equilibrium(1.0)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: replace(SHOUVAL_2002, conductance=1e-3), "change their signs"),
        (lambda: replace(SHOUVAL_2002, tau_calcium=0.0), "tau_calcium"),
        (lambda: replace(SHOUVAL_2002, receptor=replace(SHOUVAL_2002.receptor, tau_fast=-1.0)), "receptor.tau_fast"),
        (lambda: replace(SHOUVAL_2002, opening=1.5), "between 0 and 1"),
        (lambda: replace(SHOUVAL_2002, lowest=2.0, highest=1.0), "lowest <= highest"),
        (lambda: replace(SHOUVAL_2002, meta=Metaplasticity(float("nan"))), "finite"),
        (lambda: Rate(1.0, 1.0, 1.0, 2), "1 or 3"),
    ],
)
def test_bad_constants(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_constants_load_neither_numba_nor_brian2():
    code = "import sys, fusi_models, fusi_models.models.calcium; print(*{'numba', 'brian2'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
