import numpy as np
import pytest

import fusi_models as fm
from fusi_models.models.hidden import HiddenWeight
from fusi_models.networks import attractors as net
from fusi_models.networks.attractors import HOPFIELD, grow
from fusi_models.networks.storage import store, weights
from fusi_models.theory.sparse import Sparse


def ages_recalled(syn, neurons, seeds, stored=40):
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        network = grow(syn, HOPFIELD, neurons, stored, rng)
        found.append(net.oldest(net.retention(network, HOPFIELD, np.array([0.1]), rng)[0]))
    return np.array(found)


@pytest.mark.parametrize("syn", [fm.plain(1.0), fm.BennaFusi(3)], ids=["plain", "benna-fusi"])
def test_the_compiled_loops_store_what_the_models_own_step_does(syn):
    """Without chance: the very same weights, once the first states are forgotten or equal."""
    rng, n = np.random.default_rng(0), 12
    network = grow(syn, HOPFIELD, n, 400, rng, burn_in=0)
    start = syn.init((n, n), np.random.default_rng(1)) * (0 if isinstance(syn, fm.BennaFusi) else 1)
    expected = weights(syn, store(syn, start, network.patterns, HOPFIELD.rule, rng))
    if isinstance(syn, fm.BennaFusi):
        slow = np.abs(np.linalg.eigvals(syn.transfer)).max() ** 400
        assert np.abs(network.weights - expected).max() < 40 * slow + 1e-4
    else:
        np.testing.assert_array_equal(network.weights, expected)
    assert network.size == n * n * (4 * 3 if isinstance(syn, fm.BennaFusi) else 1)


def test_chance_in_the_compiled_loop_follows_the_exact_means():
    """A cascade under amit-fusi gating: the mean weight of each pair of activities, at each age."""
    from fusi_models.theory.pairs import PairLaw

    scheme, syn, ages = net.amit_fusi(0.25, 0.8), fm.cascade(3, 0.3), np.array([0, 2, 6])
    sums, count = np.zeros((3, 2, 2)), np.zeros((3, 2, 2))
    for seed in range(3):
        network = grow(syn, scheme, 120, 7, np.random.default_rng(seed), burn_in=60)
        for k, age in enumerate(ages):
            x = network.patterns[-1 - age]
            for a, b in np.ndindex(2, 2):
                part = network.weights[np.ix_(x == a, x == b)]
                sums[k, a, b] += part.sum()
                count[k, a, b] += (part != 0).sum()
    law = PairLaw(syn, scheme.rule, scheme.coding)
    np.testing.assert_allclose(sums / count, law.means(ages), atol=0.06)


@pytest.mark.parametrize(
    ("syn", "least", "most"),
    [(fm.plain(1.0), 0, 0), (fm.plain(0.25), 2, 3.5), (fm.cascade(4), 2, 5), (fm.cascade(5), 2, 5),
     (fm.BennaFusi(4), 6, 12), (fm.BennaFusi(6), 6, 10)],
    ids=lambda v: getattr(v, "name", None),
)  # fmt: skip
def test_oldest_memories_of_400_neurons(syn, least, most):
    """Found before with one network each: 0, 3, 2, 3, 6, 8; here the mean of three networks."""
    ages = ages_recalled(syn, 400, 3)
    assert least <= ages.mean() <= most
    if ages.mean() > 0:  # the rule of thumb: retrievable while sqrt(N) S(t) is above 2.1 to 2.5
        assert 1.8 < net.input_snr(syn, HOPFIELD, 400, np.array([round(ages.mean())]))[0] < 3


def test_larger_networks_keep_older_memories():
    small, large = (ages_recalled(fm.BennaFusi(4), n, 2).mean() for n in (150, 500))
    assert large > small + 3


def test_basins_shrink_with_age():
    rng, flips = np.random.default_rng(3), np.array([0.0, 0.1, 0.2, 0.3, 0.45])
    network = grow(fm.BennaFusi(4), HOPFIELD, 500, 40, rng)
    overlaps = net.retention(network, HOPFIELD, flips, rng)
    widths = np.nan_to_num(net.basin(overlaps, flips), nan=-0.1)
    assert widths[0] >= 0.3 and widths[:3].mean() > widths[8:14].mean() > widths[30:].mean()
    np.testing.assert_array_equal(net.basin(np.array([[1, 1, 0], [1, 0, 1.0]]), flips[:2]), [0.1, 0, np.nan])


def test_sparse_networks_keep_more_and_the_closed_form_says_how_many():
    scheme, rng, syn = net.amit_fusi(0.05), np.random.default_rng(0), fm.plain(1.0)
    times = np.array([0, 5, 30])
    np.testing.assert_allclose(net.input_snr(syn, scheme, 400, times), Sparse(400, 0.05).snr(times))
    network = grow(syn, scheme, 400, 120, rng, burn_in=150)
    overlaps = net.retention(network, scheme, np.array([0.1]), rng)[0]
    assert 25 < (overlaps > 0.9).sum() < Sparse(400, 0.05).lifetime() and overlaps[80:].mean() < 0.6
    assert np.all(network.patterns.sum(1) == 20)


def test_willshaw_networks_fill_up():
    scheme, rng = net.willshaw(0.05), np.random.default_rng(0)
    network = grow(fm.plain(1.0), scheme, 200, 60, rng)
    up = (network.weights > 0).sum() / (200 * 199)
    assert up == pytest.approx(1 - (1 - (10 * 9) / (200 * 199)) ** 60, abs=0.01)
    assert np.all(net.retention(network, scheme, np.array([0.0, 0.2]), rng) == 1)
    full = grow(fm.plain(1.0), scheme, 200, 600, rng)
    assert net.retention(full, scheme, np.array([0.2]), rng).mean() < 0.9


def test_any_model_may_stand_in_and_cues_have_the_noise_they_say():
    rng = np.random.default_rng(0)
    network = grow(HiddenWeight(3.0, bound=0.2), HOPFIELD, 60, 3, rng, burn_in=10)
    assert np.all(np.abs(network.weights).sum(0) == 59)
    for scheme in (HOPFIELD, net.tsodyks(0.1)):
        x = grow(fm.plain(0.5), scheme, 200, 4, rng, 0).patterns
        cue = net.noisy(x, scheme, 0.25, rng)
        assert np.all((cue != x).sum(1) == (50 if scheme is HOPFIELD else 10))
        assert net.overlap(cue, x, scheme) == pytest.approx([0.5] * 4 if scheme is HOPFIELD else [13 / 18] * 4)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda rng: net.amit_fusi(0.7), "not above 1/2"),
        (lambda rng: net.noisy(np.ones((1, 4)), HOPFIELD, 1.5, rng), "flip must lie"),
        (lambda rng: grow(fm.BennaFusi(3), net.willshaw(0.1), 20, 2, rng), "needs a finite chain"),
        (lambda rng: net.input_snr(fm.plain(), net.willshaw(0.1), 20, np.array([0])), "no equilibrium"),
        (lambda rng: net.input_snr(fm.BennaFusi(3), net.amit_fusi(0.1), 20, np.array([0])), "chains only"),
        (lambda rng: grow(fm.plain(), HOPFIELD, 20, 0, rng), "stored must be"),
        (lambda rng: grow(fm.plain(), net.willshaw(0.99), 10, 2, rng), "all 10 neurons active"),
        (lambda rng: net.input_snr(fm.plain(), net.amit_fusi(0.1), -3, np.array([0])), "neurons must be"),
        (lambda rng: net.input_snr(fm.plain(), net.amit_fusi(0.1), 20, np.array([-1])), "an age must be"),
    ],
)
def test_mistakes_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call(np.random.default_rng(0))
