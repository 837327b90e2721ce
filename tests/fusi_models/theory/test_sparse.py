import numpy as np
import pytest

from fusi_models import plain
from fusi_models.theory.pairs import PairLaw, Rule
from fusi_models.theory.sparse import Sparse, best_coding, sparse_coding, willshaw_capacity


@pytest.mark.parametrize("down", [None, 0.2])
def test_the_signal_is_that_of_the_exact_means_of_a_network(down):
    network = Sparse(500, 0.1, 0.6, down)
    law = PairLaw(plain(1.0), Rule(np.array([[0, -network.down], [0, network.up]])), 0.1)
    times = np.array([0, 3, 40])
    means = (law.means(times) + 1) / 2
    share = float(law.equilibrium @ (law.strength > 0))
    expected = np.sqrt(50 / share / (1 - share)) * (means[:, 1, 1] - means[:, 0, 1])
    np.testing.assert_allclose(network.snr(times), expected, rtol=1e-9)
    assert network.synapse().equilibrium()[1] == pytest.approx(share)


def test_sparse_patterns_are_kept_by_the_square_of_n_and_dense_ones_by_its_logarithm():
    sizes = (10**4, 10**6)
    sparse = [Sparse(n, 3 * sparse_coding(n)).lifetime() for n in sizes]
    scale = [(n / np.log(n)) ** 2 for n in sizes]
    assert sparse[1] / sparse[0] == pytest.approx(scale[1] / scale[0], rel=0.2)
    dense = [Sparse(n, 0.5, 0.5).lifetime(1.0) for n in sizes]
    assert dense[1] - dense[0] == pytest.approx(np.log(1e2) / 2 / -np.log(0.75))
    assert best_coding(1000).lifetime() > max(sparse[0] / 1e3, 500)


def test_information_a_synapse_of_both_kinds_of_network():
    assert 0.06 < best_coding(10**4).information() < 0.08  # bounded, palimpsest
    assert willshaw_capacity(10**9, 1.44 * np.log(1e9) / 1e9)[1] == pytest.approx(
        np.log(2), abs=0.1
    )  # from below, as 1 / ln N
    assert willshaw_capacity(1000, 0.2)[1] < 0.1


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="down must lie"):
        Sparse(100, 0.6, 1.0)
    with pytest.raises(ValueError, match="threshold must be above 0"):
        Sparse(100, 0.1).lifetime(-1.0)
    with pytest.raises(ValueError, match="neurons must be"):
        willshaw_capacity(2, 0.1)
    with pytest.raises(ValueError, match="times must be 0 or later"):
        Sparse(100, 0.1).snr(np.array([-1.0]))
