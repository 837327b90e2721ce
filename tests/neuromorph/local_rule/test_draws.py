import numpy as np
import pytest
from scipy import stats

from neuromorph.local_rule.draws import drawn

N = 20_000


@pytest.mark.parametrize(("gaussian", "law"), [(True, ("norm", ())), (False, ("uniform", (-1, 2)))])
def test_draws_follow_their_law_and_each_other_in_nothing(gaussian, law):
    some = [drawn(key, count, (N,), gaussian) for key, count in ((7, 1), (7, 2), (8, 1), (1, 7))]
    for one in some:
        assert stats.kstest(one, *law).pvalue > 1e-3
        assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 4 / np.sqrt(N)
    assert (np.abs(np.corrcoef(some) - np.eye(4)) < 4 / np.sqrt(N)).all()


def test_a_draw_is_a_function_of_its_names_and_uniform_numbers_stay_within():
    one = drawn(2**31 - 1, 2**31, (3, 5), False)
    np.testing.assert_array_equal(one.ravel()[:4], drawn(2**31 - 1, 2**31, (4,), False))
    assert one.dtype == np.float32 and (np.abs(one) < 1).all()
