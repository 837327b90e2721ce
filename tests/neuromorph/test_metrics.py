import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuromorph.metrics import AccuracyMatrix, memory_signal

NAMES = [
    "average_accuracy",
    "learning_accuracy",
    "average_incremental_accuracy",
    "backward_transfer",
    "forgetting",
    "forward_transfer",
    "rigidity",
]


@st.composite
def matrices(draw):
    t = draw(st.integers(1, 6))
    accuracy = draw(hnp.arrays(float, (t, t), elements=st.floats(0, 1)))
    return AccuracyMatrix(accuracy, draw(hnp.arrays(float, t, elements=st.floats(0, 1))))


@given(matrices())
def test_accuracy_is_learning_plus_transfer(m):
    expected = m.learning_accuracy + m.backward_transfer * (m.tasks - 1) / m.tasks
    assert m.average_accuracy == pytest.approx(expected, abs=1e-12)


@given(matrices())
def test_forgetting_is_at_least_minus_backward_transfer(m):
    assert m.forgetting >= -m.backward_transfer - 1e-12


@given(matrices(), st.integers(0, 2**32 - 1))
def test_metrics_of_replicas_are_those_of_each(m, seed):
    other = np.random.default_rng(seed).random(m.accuracy.shape)
    both = AccuracyMatrix(np.stack([m.accuracy, other], -1), np.stack([m.baseline, m.baseline], -1))
    for name in NAMES:
        alone = [getattr(AccuracyMatrix(a, m.baseline), name) for a in (m.accuracy, other)]
        np.testing.assert_allclose(getattr(both, name), alone, atol=1e-12, err_msg=name)


def test_worked_example():
    """Every metric by hand, for three tasks."""
    m = AccuracyMatrix(np.array([[0.9, 0.2, 0.1], [0.95, 0.8, 0.3], [0.5, 0.6, 0.7]]), np.array([0.1, 0.15, 0.05]))
    assert m.average_accuracy == pytest.approx((0.5 + 0.6 + 0.7) / 3)
    assert m.learning_accuracy == pytest.approx((0.9 + 0.8 + 0.7) / 3)
    assert m.average_incremental_accuracy == pytest.approx((0.9 + (0.95 + 0.8) / 2 + (0.5 + 0.6 + 0.7) / 3) / 3)
    assert m.backward_transfer == pytest.approx(((0.5 - 0.9) + (0.6 - 0.8)) / 2)
    assert m.forgetting == pytest.approx(((0.95 - 0.5) + (0.8 - 0.6)) / 2)
    assert m.forward_transfer == pytest.approx(((0.2 - 0.15) + (0.3 - 0.05)) / 2)
    assert m.rigidity == pytest.approx(0.9 - 0.7)
    assert m.tasks == 3 and m.diagonal.tolist() == [0.9, 0.8, 0.7]


def test_one_task_has_nothing_to_forget():
    for shape in ((), (2,)):
        m = AccuracyMatrix(np.full((1, 1, *shape), 0.75), np.full((1, *shape), 0.1))
        for name in ("backward_transfer", "forgetting", "forward_transfer", "rigidity"):
            assert np.shape(getattr(m, name)) == shape and np.all(getattr(m, name) == 0)
        assert np.all(m.average_accuracy == 0.75) and np.all(m.learning_accuracy == 0.75)


@pytest.mark.parametrize(
    ("accuracy", "baseline", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3), r"shape \(2, 3\)"),
        (np.zeros((2, 2)), np.zeros(3), r"baseline \(3,\)"),
        (np.zeros((2, 2, 3)), np.zeros(2), "replicas"),
        (np.zeros(2), np.zeros(2), r"\[tasks, tasks\]"),
        (np.full((2, 2), np.nan), np.zeros(2), "NaN"),
        (np.full((2, 2), 80.0), np.zeros(2), "percent"),
        (np.zeros((2, 2)), np.array([0.1, -0.1]), "between 0 and 1"),
    ],
)
def test_wrong_matrices_are_refused(accuracy, baseline, message):
    with pytest.raises(ValueError, match=message):
        AccuracyMatrix(accuracy, baseline)


def test_memory_signal_against_its_definition():
    rng = np.random.default_rng(0)
    events = rng.choice([-1, 1], (20, 30))
    efficacy = rng.choice([-1, 1], (20, 30))
    lags = np.array([0, 2, 9])
    signal, error = memory_signal(events, efficacy, lags, tracked=7, blocks=5)
    for k, lag in enumerate(lags):
        overlap = [[events[p, i] * efficacy[p + lag, i] for i in range(30)] for p in range(7)]
        assert signal[k] == pytest.approx(np.mean(overlap))
        groups = np.reshape(np.mean(overlap, 0), (5, 6)).mean(1)
        assert error[k] == pytest.approx(np.std(groups, ddof=1) / np.sqrt(5))


def test_the_signal_of_a_perfect_memory_is_one():
    events = np.tile(np.random.default_rng(0).choice([-1, 1], 50), (6, 1))
    signal, error = memory_signal(events, events, np.arange(3), tracked=4)
    assert signal.tolist() == [1, 1, 1] and error.tolist() == [0, 0, 0]


def test_saved_and_read_again_and_as_rows(tmp_path):
    matrix = AccuracyMatrix(np.array([[[0.9, 0.8], [0.1, 0.2]], [[0.5, 0.6], [0.7, 1.0]]]), np.full((2, 2), 0.25))
    matrix.save(tmp_path / "matrix.npz")
    again = AccuracyMatrix.load(tmp_path / "matrix.npz")
    np.testing.assert_array_equal(again.accuracy, matrix.accuracy)
    np.testing.assert_array_equal(again.anytime_samples, matrix.anytime_samples)
    rows = matrix.table()
    assert len(rows) == 3 * 2 * 2 and rows[0] == {"learned": 0, "tested": 1, "replica": 0, "accuracy": 0.25}
    assert rows[-1] == {"learned": 2, "tested": 2, "replica": 1, "accuracy": 1.0}


def test_a_file_that_is_no_matrix_is_one_sentence(tmp_path):
    (tmp_path / "cut.npz").write_bytes(b"PK\3\4")
    np.savez(tmp_path / "other.npz", accuracy=np.eye(2))
    for name in ("cut.npz", "other.npz"):
        with pytest.raises(ValueError, match="is no accuracy matrix"):
            AccuracyMatrix.load(tmp_path / name)
