"""Reference = stock Lava = batched Lava for whatever a specification can say: drawn networks, 0 differing spikes."""

import numpy as np
import pytest

pytest.importorskip("lava", reason="lava-nc is not installed")

from neuromorph.lava import Deployment, LayerSpec, NetworkSpec  # noqa: E402
from neuromorph.lava.connection import ALWAYS, INPUT, Synapses  # noqa: E402
from neuromorph.lava.reference import simulate  # noqa: E402
from neuromorph.lava.spec import RESETS  # noqa: E402

STEPS, BATCH = 7, 3


def weights(rng, *shape):
    return rng.integers(-40, 50, shape).astype(np.int8)


def drawn(seed, recurrent, resets=("zero",) * 3):
    """An image of 2 x 5 x 4, a convolution, two full layers, one of which skips, and recurrence where asked."""
    rng = np.random.default_rng(seed)
    first = LayerSpec(
        weights(rng, 3, 2, 3, 2),
        rng.integers(30, 90, 3),
        rng.integers(0, 4096, 3),
        weight_exp=1,
        bias_mant=0 if recurrent else rng.integers(-99, 999, 3),
        bias_exp=1,
        image=(2, 5, 4),
        stride=(2, 1),
        padding=(1, 0),
        du=int(rng.integers(1500, 4096)),
        reset=resets[0],
    )
    n = first.neurons
    own = (Synapses(weights(rng, 6, 6), 0, source=2),) if recurrent else ()
    always = Synapses(weights(rng, 6, 1), 1, source=ALWAYS)
    second = LayerSpec(
        weights(rng, 6, n),
        rng.integers(20, 200, 6),
        rng.integers(0, 4096, 6),
        weight_exp=-3,
        du=rng.integers(1500, 4096, 6),
        more=(*own, always),
        reset=resets[1],
    )
    skip = Synapses(weights(rng, 4, n), -1, source=1), Synapses(weights(rng, 4, 40), -2, source=INPUT)
    third = LayerSpec(weights(rng, 4, 6), 60, 300, more=skip, reset=resets[2])
    return NetworkSpec((first, second, third), STEPS, 0)


def check(spec):
    raster = (np.random.default_rng(5).random((STEPS, BATCH, 40)) < 0.4).astype(np.float32)
    expected = [record.spikes for record in simulate(spec, raster)]
    assert all(0 < spikes.mean() < 1 for spikes in expected)
    for engine in ("stock", "batched"):
        for ours, lavas in zip(expected, Deployment(spec).layers(raster, engine, timeout=60), strict=True):
            np.testing.assert_array_equal(ours, lavas)


@pytest.mark.parametrize(("seed", "recurrent"), [(0, False), (1, True)])
def test_a_drawn_network_is_exact_on_stock_and_batched_lava(seed, recurrent):
    spec = drawn(seed, recurrent)
    assert spec.stock and spec.recurrent == recurrent and spec.depths == (0, 1, 2, 3)
    check(spec)


@pytest.mark.parametrize("resets", [("subtract", "hold", "none"), ("subtract now", "zero", "hold")])
def test_a_reset_of_our_own_is_exact_and_says_that_it_is_not_stock(resets):
    spec = drawn(0, resets[1] == "hold", resets)
    assert not spec.stock and set(resets) <= set(RESETS)
    check(spec)
