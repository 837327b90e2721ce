"""What a learner keeps of each task.

R[i, j] is the test accuracy on task j after task i has been learned (i, j = 0..T-1), b[j] the accuracy before any
learning. Definitions: Lopez-Paz & Ranzato 2017 (GEM), Chaudhry et al. 2018 (forgetting); each stands by its property.
"""

import os
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from fusi_models.checks import numbers
from neuromorph.atomic import write_arrays
from neuromorph.tables import Table, frame


@dataclass(frozen=True, eq=False)
class AccuracyMatrix:
    """Accuracy [learned, tested] and baseline [tested], with an optional last axis of replicas.

    Every property is a number, or one number a replica. ``anytime`` [point, tested]: accuracy measured while
    learning, after ``anytime_samples`` [point] samples in all (empty where not asked for).
    Raises ``ValueError`` for shapes that do not fit or values outside [0, 1].
    """

    accuracy: np.ndarray
    baseline: np.ndarray
    anytime: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    anytime_samples: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self):
        for name in ("accuracy", "baseline"):
            object.__setattr__(self, name, numbers(name, getattr(self, name)))
        shape = self.accuracy.shape
        if self.accuracy.ndim not in (2, 3) or shape[0] != shape[1] or self.baseline.shape != shape[1:]:
            raise ValueError(
                f"accuracy has shape {shape} and baseline {self.baseline.shape}: give [tasks, tasks] and [tasks], "
                "or both with a last axis of replicas."
            )
        for values in (self.accuracy, self.baseline):
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError("accuracies must be numbers between 0 and 1; NaN or percent found.")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the matrix as an npz file (``accuracy``, ``baseline``, ``anytime``, ``anytime_samples``)."""
        write_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "AccuracyMatrix":
        """What ``save`` wrote. Raises ``ValueError`` for another file, ``OSError`` where it cannot be opened."""
        with open(path, "rb") as file:
            try:
                with np.load(file) as stored:
                    return cls(*(stored[f.name] for f in fields(cls)))
            except Exception as error:  # numpy and zipfile raise a dozen kinds for a damaged file
                raise ValueError(
                    f"{path} is no accuracy matrix that was saved here ({error}): save it again."
                ) from error

    def table(self) -> list[dict[str, float]]:
        """A row a number: ``learned`` (0: before learning; tasks from 1), ``tested``, ``replica``, ``accuracy``.

        ``pandas.DataFrame(matrix.table())`` and ``csv.DictWriter`` take it as it is.

        >>> AccuracyMatrix(np.array([[0.9]]), np.array([0.1])).table()[1]
        {'learned': 1, 'tested': 1, 'replica': 0, 'accuracy': 0.9}
        """
        whole = np.concatenate([self.baseline[None], self.accuracy])
        whole = whole if whole.ndim == 3 else whole[..., None]
        return [
            {"learned": i, "tested": j + 1, "replica": r, "accuracy": float(value)}
            for (i, j, r), value in np.ndenumerate(whole)
        ]

    def to_pandas(self) -> Any:
        """``table`` as a ``pandas.DataFrame``; raises ``ImportError`` with one sentence where pandas is missing."""
        rows = self.table()
        return frame([tuple(row.values()) for row in rows], list(rows[0]))

    def csv(self) -> str:
        """``table`` as CSV with a head line."""
        rows = self.table()
        return Table("accuracies", tuple(rows[0]), tuple(tuple(row.values()) for row in rows)).csv()

    @property
    def tasks(self) -> int:
        """T."""
        return len(self.accuracy)

    @property
    def diagonal(self) -> np.ndarray:
        """R[j, j], [task] or [task, replica]: accuracy on each task right after it was learned."""
        k = np.arange(self.tasks)
        return self.accuracy[k, k]

    @property
    def average_accuracy(self):
        """ACC = (1/T) sum_j R[T-1, j] (Lopez-Paz & Ranzato 2017)."""
        return self.accuracy[-1].mean(0)

    @property
    def learning_accuracy(self):
        """LA = (1/T) sum_j R[j, j] (Riemer et al. 2019): plasticity."""
        return self.diagonal.mean(0)

    @property
    def average_incremental_accuracy(self):
        """AIA = mean over i of (1/(i+1)) sum_{j<=i} R[i, j] (Rebuffi et al. 2017)."""
        return np.mean([self.accuracy[i, : i + 1].mean(0) for i in range(self.tasks)], axis=0)

    @property
    def backward_transfer(self):
        """BWT = (1/(T-1)) sum_{j<T-1} (R[T-1, j] - R[j, j]) (Lopez-Paz & Ranzato 2017); 0 for one task."""
        return self._mean_old(self.accuracy[-1] - self.diagonal)

    @property
    def forgetting(self):
        """F = (1/(T-1)) sum_{j<T-1} (max_{l<T-1} R[l, j] - R[T-1, j]) (Chaudhry et al. 2018); 0 for one task."""
        return self._mean_old(self.accuracy[:-1].max(0) - self.accuracy[-1]) if self.tasks > 1 else self._zero

    @property
    def forward_transfer(self):
        """FWT = (1/(T-1)) sum_{j>0} (R[j-1, j] - b[j]) (Lopez-Paz & Ranzato 2017); 0 for one task."""
        k = np.arange(1, self.tasks)
        return (self.accuracy[k - 1, k] - self.baseline[k]).mean(0) if self.tasks > 1 else self._zero

    @property
    def rigidity(self):
        """R[0, 0] - R[T-1, T-1]: how much worse the last task is learned than the first."""
        return self.accuracy[0, 0] - self.accuracy[-1, -1]

    @property
    def _zero(self):
        return np.zeros(self.accuracy.shape[2:])[()]

    def _mean_old(self, change: np.ndarray):
        return change[:-1].mean(0) if self.tasks > 1 else self._zero


@dataclass(frozen=True)
class Cost:
    """What one inference takes, as NeuroBench counts it (Yik et al. 2025, Nat. Commun. 16:1545), and what is kept.

    Operations are effective ones, with a message that is not 0, means over samples: an accumulate where all messages of
    a layer are -1, 0 or 1, else a multiply-accumulate. A message that is shown at every step counts at every step.
    """

    synapses: int
    """Weights."""
    weight_bytes: float
    """Of the weights that are multiplied, packed: one bit each where they are -1 and +1, the number of a level where
    they are a device's, else four bytes."""
    accumulates: float
    multiply_accumulates: float
    spikes: float
    """Of all neurons, input not counted; nan for a network without spikes."""


def memory_signal(
    events: np.ndarray, efficacy: np.ndarray, lags: np.ndarray, tracked: int, blocks: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """The ideal observer's signal S [lag] and its standard error, from a stream of random patterns.

    ``events`` [time, synapse] in {-1, +1}: pattern k; ``efficacy`` [time, synapse]: right after pattern k was stored.
    S(lag) is the overlap of a pattern with the efficacies ``lag`` patterns later, averaged over synapses and over the
    first ``tracked`` patterns; the error comes from ``blocks`` groups of synapses.
    """
    overlap = np.empty((len(lags), events.shape[1]))
    for k, lag in enumerate(lags):
        overlap[k] = (events[:tracked] * efficacy[lag : lag + tracked]).mean(0)
    groups = np.array([part.mean(1) for part in np.array_split(overlap, blocks, axis=1)])
    return groups.mean(0), groups.std(0, ddof=1) / np.sqrt(blocks)
