"""Streaming linear discriminant analysis on the spikes of an input code: real weights, one covariance for all classes.

    S = (sum_n z_n z_n^T - sum_k n_k mu_k mu_k^T) / n,   L = [(1 - shrinkage) S + shrinkage I]^-1,
    score of class k = mu_k^T L z - mu_k^T L mu_k / 2,

z the spikes of a sample, 0 or 1, mu_k the mean of class k and n_k its samples; a class without samples is never chosen.
Hayes & Kanan 2020, CVPR workshops (arXiv:1909.01520). They move S and mu_k with every sample, and S about the means of
that moment; here the sums of z z^T and z are kept, which for spikes are whole numbers: the mean deviation is exact, and
neither the order nor the cutting of the samples changes a bit. ``shrinkage`` 1 is the nearest class mean. An upper
reference for ``local_rule.prototypes``: same features, no replay, no boundary, but a real number for every two of them.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch

from fusi_models.checks import count
from fusi_models.seeds import whole
from neuromorph.learner import Learner, checked_labels, checked_samples, described
from neuromorph.learners.methods import NoParts
from neuromorph.local_rule.codes import Code, Winners
from neuromorph.metrics import Cost
from neuromorph.snn.device import checked_device

FEATURES = Winners(4000)
TOGETHER = 1000  # samples of a product; their sums of ones stay exact in float32 up to 2^24 samples


class DiscriminantLearner(Learner):
    """x [n, inputs] in [0, 1], y [n] in 0..classes-1; mini-batch size 1, boundary-free.

    ``code``: makes z, one step of it; ``shrinkage``: above 0 and at most 1; ``seed``: of the code; ``device``: torch's.
    Raises ``ValueError`` for sizes below 1, another shrinkage, a device that is not there, and bad samples.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        code: Code = FEATURES,
        shrinkage: float = 0.01,
        seed: int = 0,
        device: str = "cpu",
    ):
        if not 0 < shrinkage <= 1:
            raise ValueError(f"shrinkage must lie above 0 and at most at 1, got {shrinkage}.")
        self.inputs, self.classes = count("inputs", inputs), count("classes", classes)
        self.code, self.shrinkage, self.seed, self.device = code, shrinkage, whole(seed), checked_device(device)
        features, self.presented = code.sources(self.inputs), 0
        self.counts = torch.zeros(classes, dtype=torch.float64, device=self.device)
        self.sums = torch.zeros((classes, features), device=self.device)
        self.products = torch.zeros((features, features), device=self.device)
        self._scorer: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def description(self):
        names = ("inputs", "classes", "code", "shrinkage", "seed")
        return described(type(self).__name__, **{name: getattr(self, name) for name in names})

    def partial_fit(self, x, y):
        x = checked_samples(x, (self.inputs,))
        y = torch.from_numpy(checked_labels(y, x.shape[:1], self.classes)).to(self.device)
        for k in range(0, len(x), TOGETHER):
            z = self._spikes(x[k : k + TOGETHER], self.presented, False)
            label = torch.nn.functional.one_hot(y[k : k + TOGETHER], self.classes)
            self.products.addmm_(z.T, z)
            self.sums.addmm_(label.T.float(), z)
            self.counts += label.sum(0)
            self.presented += len(z)
            self._scorer = None

    @torch.no_grad()
    def predict(self, x):
        x = checked_samples(x, (self.inputs,))
        weights, bias = self._scorer = self._scorer or self._solved()
        found = [np.empty(0, np.int64)]
        for k in range(0, len(x), TOGETHER):
            scores = self._spikes(x[k : k + TOGETHER], 0, True).double() @ weights.T + bias
            found.append(scores.argmax(1).cpu().numpy())
        return np.concatenate(found)

    def cost(self, x):
        """Of the scores and the code; what it takes to solve for their weights is not counted."""
        x = checked_samples(x, (self.inputs,))
        z = self._spikes(x, 0, True)
        added = z.sum(1).mean().item() * self.classes
        return Cost(self.sums.numel(), 4.0 * self.sums.numel(), added, self.code.multiplied(x), math.nan)

    def state_dict(self) -> dict[str, Any]:
        names = ("counts", "sums", "products")
        state = {name: getattr(self, name).clone() for name in names}
        return {"description": self.description, "presented": self.presented, **state}

    def load_state_dict(self, state):
        self.check_saved(state)
        for name in ("counts", "sums", "products"):
            getattr(self, name).copy_(state[name])
        self.presented, self._scorer = int(state["presented"]), None

    def _spikes(self, x: np.ndarray, first: int, testing: bool) -> torch.Tensor:
        """z, [n, feature], of samples ``first``..."""
        spikes = self.code.raster(x, 1, self.seed, first, testing)[:, 0]
        return torch.from_numpy(spikes).to(self.device).float()

    def _solved(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights [class, feature] and offsets [class], float64; -inf for a class without samples."""
        counts = self.counts.clamp(min=1)
        means = self.sums.double() / counts[:, None]
        matrix = self.products.double().sub_((means * counts[:, None]).T @ means)
        matrix.mul_((1 - self.shrinkage) / counts.sum()).diagonal().add_(self.shrinkage)
        weights = torch.cholesky_solve(means.T, torch.linalg.cholesky(matrix)).T
        bias = -(means * weights).sum(1) / 2
        return weights, bias.masked_fill(self.counts == 0, -torch.inf)


@final
@dataclass(frozen=True)
class Discriminant:
    """``DiscriminantLearner`` in words, of the code ``Winners``; hidden layers of ``sizes`` are not there."""

    features: int = 4000
    active: float = 0.1
    shrinkage: float = 0.01

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        if parts:
            raise NoParts("The discriminant", parts)
        code = Winners(self.features, self.active)
        return DiscriminantLearner(sizes[0], sizes[-1], code, self.shrinkage, seed, device)


METHOD = Discriminant


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one, for the contract test."""
    return DiscriminantLearner, {"inputs": inputs, "classes": classes, "code": Winners(12, 0.3), "seed": seed}
