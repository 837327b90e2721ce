import numpy as np

from neuromorph.learners.probabilistic import ProbabilisticConfig, ProbabilisticLearner


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
