"""Learners of ``snn.sampled`` networks: what MESU, BGD and BiMU share beside a composed learner.

C = - sum over the mini-batch of <log p_s(y)>, averaged over the samples s of the weights;   p(y) = <p_s(y)> predicts.
Disagreement of the samples: I = H(<p_s>) - <H(p_s)>, the mutual information of class and weights, in nats
(Houlsby et al. 2011, arXiv:1112.5745): high where the weights know nothing, however ambiguous the image.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neuromorph.learners.composed import PREDICT_BATCH, ComposedLearner, TrainingConfig
from neuromorph.snn.sampled import SampledConfig, SampledNetwork, logarithms


class Steps(NamedTuple):
    """What a compiled loop learns: standardised samples [n, feature], classes [n], the key and the number of the next
    draw of each layer [layer, 2], which it moves on, the network's choices and the logit scale."""

    x: NDArray[np.float32]
    targets: NDArray[np.int64]
    draws: NDArray[np.uint32]
    network: SampledConfig
    logit_scale: float

    @property
    def arguments(self) -> tuple[Any, ...]:
        """In the order that the loops take them."""
        network, scale = self.network, np.float32(self.logit_scale)
        choices = network.samples, network.normed, network.activation == "gate", scale
        return self.draws, self.x, self.targets, *choices


class Uncertainty(NamedTuple):
    """In nats, float32 [n] each: ``total`` = ``ambiguity`` (within the samples) + ``disagreement`` (between them)."""

    total: NDArray[np.float32]
    ambiguity: NDArray[np.float32]
    disagreement: NDArray[np.float32]


class FastRule(Protocol):
    """A rule that also knows a compiled loop over samples."""

    def learn(self, parameters: list[NDArray[np.float32]], steps: Steps) -> float:
        """Learn the samples one by one, in place; the last one's error in nats, with which it has stopped if that is
        not finite, before it moved a weight."""


class SampledLearner(ComposedLearner):
    """Boundary-free without parts. Attributes as of ``ComposedLearner``. ``config.network`` is a ``SampledConfig``.

    A mini-batch of one sample runs as one compiled loop where ``config.network.fast`` says so. Raises ValueError as
    ``ComposedLearner``, and for ``fast=True`` where that is impossible.
    """

    network: SampledNetwork

    def __init__(self, config: TrainingConfig):
        super().__init__(config)
        fast, local = self.network.config.fast, self.network.config.weights.local
        possible = self.batch_size == 1 and local and not self.parts and self.device.type == "cpu"
        if fast and not possible:
            raise ValueError("fast=True needs batch=1, local draws, the CPU and no parts: use fast=None")
        self.fast = possible and fast is not False

    def scores(self, images: Tensor) -> Tensor:
        """Logarithms of class probabilities [batch, class], see ``snn.sampled.logarithms``."""
        return logarithms(self._logits(images), self.network.training)

    def error(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Summed over the mini-batch, in nats: N counts mini-batches."""
        return functional.nll_loss(scores, targets, reduction="sum")

    @torch.no_grad()
    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each sample of the weights, [sample, n, class], for x [n, ...] in [0, 1]; learns nothing."""
        self.network.eval()
        logits = []
        for some in self._images(x).split(PREDICT_BATCH):
            with self._predicting(some):
                logits.append(self._logits(some))
        return torch.cat(logits, 1).softmax(-1).cpu().numpy()

    def uncertainty(self, x: NDArray[np.float32]) -> Uncertainty:
        """What the answers to x [n, ...] in [0, 1] leave open; learns nothing."""
        p = self.probabilities(x)
        total, ambiguity = _entropy(p.mean(0)), _entropy(p).mean(0)
        return Uncertainty(total, ambiguity, total - ambiguity)

    def _logits(self, images: Tensor) -> Tensor:
        """[sample, batch, class], of the outputs that count."""
        logits = self.network(images)
        if self.parts:
            logits = torch.stack([self._read(one) for one in logits])
        return self.training.logit_scale * logits

    def _learn(self, images: Tensor, targets: Tensor) -> None:
        if not self.fast:
            return super()._learn(images, targets)
        config, forms = self.network.config, self.network.forms
        draws = np.array([[int(form.key), int(form.draws) + 1] for form in forms], np.uint32)
        mean, deviation = config.standard
        parameters = [values.detach().numpy() for values in self.network.parameters()]
        shown = ((images - mean) / deviation).numpy()
        steps = Steps(shown, targets.numpy(), draws, config, self.training.logit_scale)
        error = cast(FastRule, self.training.rule).learn(parameters, steps)
        for form, (_, following) in zip(forms, draws, strict=True):
            form.draws.fill_(int(following) - 1)
        self._refuse_infinite(error)


def _entropy(p: NDArray[np.float32]) -> NDArray[np.float32]:
    return -(p * np.log(np.maximum(p, np.finfo(p.dtype).tiny))).sum(-1)
