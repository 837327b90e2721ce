import numpy as np
import pytest

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.probabilistic import ProbabilisticConfig, ProbabilisticLearner
from neuromorph.learners.tacos import TacosConfig


def test_the_draws_of_a_test_sample_are_its_own():
    """Samples that differ by next to nothing have other draws; the same sample has the same, anywhere."""
    learner = ProbabilisticLearner(20, 2, ProbabilisticConfig(30))
    for w in learner.w:
        w[:] = 1.5 * np.abs(w)
    x = np.full((40, 20), 0.7, np.float32)
    x[:, 0] = np.float32(0.5) + np.arange(40, dtype=np.float32) * np.float32(1e-6)
    counts = learner.counts(x)
    assert len(np.unique(counts, axis=0)) > 2 and counts.min() > 0
    np.testing.assert_array_equal(learner.counts(x[::-1])[::-1], counts)
    np.testing.assert_array_equal(learner.counts(np.repeat(x[:1], 3, 0)), counts[[0, 0, 0]])


@pytest.mark.parametrize("config", [TacosConfig, ProbabilisticConfig])
@pytest.mark.parametrize(
    "options",
    [{"traces": (np.nan,) * 3}, {"traces": (1.0,)}, {"feedback": np.nan}, {"w_init": np.nan}, {"w_max": (3.0,)}]
    + [{"dm": (1.0,)}, {"rate": 0}, {"label_rate": 0}, {"feedback": -1}],
    ids=str,
)
def test_numbers_that_cannot_be_are_named(config, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        config(**options)


def test_choices_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="bits, unless 0 for float, must be a whole number"):
        TacosConfig(bits=2.5)
    with pytest.raises(ValueError, match="modulated=yes gates the growth of m"):
        LearnerWords("tacos:metaplastic=no,modulated=yes", (9, 8, 3))(0)
