import numpy as np
import pytest

from fusi_models import cascade, coding, memory_curve, plain
from fusi_models.networks.storage import blank, random_patterns, store, weights
from fusi_models.theory.correlated import aware_curve, correlated_curve, quadratic_form, two_group_form
from fusi_models.theory.pairs import GATING, Pairs, Rule, chain_pairs

TIMES = np.array([0, 1, 2, 5, 10])


def dense_covariance(pairs, neurons):
    """The covariance of all synapses, written out; order: by post, then pre, without the diagonal."""
    post, pre = np.nonzero(1 - np.eye(neurons))
    same_post, same_pre = post[:, None] == post, pre[:, None] == pre
    there, back = pre[:, None] == post, post[:, None] == pre
    kinds = [same_post & same_pre, there & back, same_post, same_pre, there | back]
    return np.select(kinds, [pairs.variance, pairs.reciprocal, pairs.post, pairs.pre, pairs.chain], 0.0)


@pytest.mark.parametrize("rule", GATING)
def test_without_correlations_it_is_the_usual_curve(rule):
    n, (active, f_pot) = 12, coding(0.5, rule)
    usual = memory_curve(cascade(4), TIMES, n * (n - 1), active=active, f_pot=f_pot)
    curve = correlated_curve(cascade(4), TIMES, n, GATING[rule])
    np.testing.assert_allclose(curve.signal, usual.signal, atol=1e-14)
    assert curve.noise[0] > usual.noise[0]
    poisson = correlated_curve(cascade(4), TIMES, n, GATING[rule], events="poisson")
    usual = memory_curve(cascade(4), TIMES, n * (n - 1), "poisson", active=active, f_pot=f_pot)
    np.testing.assert_allclose(poisson.signal, usual.signal, atol=1e-13)


def test_a_gated_network_gains_nothing_per_synapse_unless_the_observer_knows():
    """Ignoring the correlations SNR grows as sqrt(N) neurons, knowing them as N (the square root of all synapses)."""
    sizes = (400, 1600)
    naive = [correlated_curve(cascade(5), TIMES, n, GATING["pre"]).snr[0] for n in sizes]
    aware = [aware_curve(cascade(5), TIMES, n, GATING["pre"]).snr[0] for n in sizes]
    assert naive[1] / naive[0] == pytest.approx(2, rel=0.06)
    assert aware[1] / aware[0] == pytest.approx(4, rel=0.06)


@pytest.mark.parametrize("scope", ["network", "neuron"])
@pytest.mark.parametrize("rule", GATING)
def test_knowing_the_covariance_never_hurts(rule, scope):
    for f in (0.5, 0.3):
        plain_curve = correlated_curve(plain(0.5), TIMES, 40, GATING[rule], f, scope=scope)
        aware = aware_curve(plain(0.5), TIMES, 40, GATING[rule], f, scope=scope)
        assert np.all(aware.snr >= plain_curve.snr * (1 - 1e-6))
        np.testing.assert_allclose(aware.signal, plain_curve.signal, atol=1e-14)


@pytest.mark.parametrize("rule", ["pre", "coincidence"])
def test_simulated_networks_have_this_signal_spread_and_noise(rule):
    rng, syn, n, trials = np.random.default_rng(1), cascade(3), 12, 300
    times, table, values = np.array([0, 1, 3]), GATING[rule].table, []
    mean = chain_pairs(syn, GATING[rule], 0.5).mean

    def overlap(x, state):
        return np.sum(table[x[:, None], x] * (1 - np.eye(n)) * (weights(syn, state) - mean))

    for _ in range(trials):
        state = blank(syn, GATING[rule], n, 0.5, 40, rng)
        x, row = random_patterns(5, n, 0.5, rng), []
        row.append(overlap(x[4], state))
        for k in range(4):
            state = store(syn, state, x[k : k + 1], GATING[rule], rng)
            if k in times:
                row.append(overlap(x[0], state))
        values.append(row)
    values = np.array(values) / (coding(0.5, rule)[0] * n * (n - 1))
    curve = correlated_curve(syn, times, n, GATING[rule])
    assert np.all(np.abs(values[:, 1:].mean(0) - curve.signal) < 4.5 * curve.spread / np.sqrt(trials))
    squares = (values - np.append(0, curve.signal)) ** 2
    expected = np.append(curve.noise[0], curve.spread) ** 2
    assert np.all(np.abs(squares.mean(0) - expected) < 4.5 * squares.std(0) / np.sqrt(trials))


@pytest.mark.parametrize("rule", ["pre", "post", "coincidence"])
def test_the_inverse_form_is_that_of_the_dense_covariance(rule):
    pairs, n = chain_pairs(cascade(5), GATING[rule], 0.5), 7
    residual = np.random.default_rng(0).standard_normal((n, n))
    flat = residual[~np.eye(n, dtype=bool)]
    exact = flat @ np.linalg.solve(dense_covariance(pairs, n), flat)
    assert quadratic_form(residual, pairs) == pytest.approx(exact, rel=1e-6)
    values, x = np.array([[0.1, 0.2], [-0.3, 0.4]]), (np.arange(n) < 3).astype(int)
    assert two_group_form(values, np.array([3]), n, pairs)[0] == pytest.approx(
        float(quadratic_form(values[np.ix_(x, x)], pairs))
    )
    many = quadratic_form(np.stack([residual, 2 * residual]), pairs)
    np.testing.assert_allclose(many, [exact, 4 * exact], rtol=1e-6)


def test_mistakes_are_one_sentence():
    with pytest.raises(ValueError, match="at least 3 neurons"):
        correlated_curve(plain(), TIMES, 2, GATING["pre"])
    with pytest.raises(ValueError, match="scope must be"):
        correlated_curve(plain(), TIMES, 9, GATING["pre"], scope="cell")
    with pytest.raises(ValueError, match="no events"):
        correlated_curve(plain(), TIMES, 9, Rule(np.zeros((2, 2))))
    with pytest.raises(ValueError, match="whole numbers"):
        aware_curve(plain(), [0.5], 9, GATING["pre"])
    assert np.isfinite(quadratic_form(np.ones((4, 4)), Pairs(0, 1.0, 0, 0, 0, 1.0)))


@pytest.mark.parametrize("curve", [correlated_curve, aware_curve])
def test_synapses_that_end_at_one_strength_are_refused(curve):
    only_up = Rule(np.array([[0, 0], [0, 1]]), "only up")
    with pytest.raises(ValueError, match="no memory under the rule 'only up': all its synapses end with the same"):
        curve(plain(), TIMES, 9, only_up)
    with pytest.raises(ValueError, match="at least 3 neurons, got nan"):
        curve(plain(), TIMES, np.nan, GATING["pre"])
