"""MESU: the posterior of a Gaussian weight within a window of N mini-batches, whose deviation is its learning rate.

mu    <- mu    + lr_mu    (sigma^2 (mu_p - mu) / (N sigma_p^2)  -  sigma^2 dC/dmu)
sigma <- sigma + lr_sigma (sigma (sigma_p^2 - sigma^2) / (N sigma_p^2)  -  sigma^2 dC/dsigma) / 2

Source: Bonnet et al. 2025, Nat Commun 16:9614, eq. 11, and the authors' code; C is summed over the mini-batch and
averaged over the samples of the weights, in nats. N is in mini-batches; N = infinity forgets nothing. sigma and mu in
units of the weight, lr without a unit (1 in the paper).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

from torch import Tensor

from neuromorph.snn.optim.pairs import PairedOptimizer


def mesu(
    mean: Any,
    deviation: Any,
    by_mean: Any,
    by_deviation: Any,
    lr_mean: Any,
    half_lr: Any,
    prior_mean: Any,
    prior_variance: Any,
    pull: Any,
) -> tuple[Any, Any]:
    """The moves of mean and deviation, tensors or numbers; ``half_lr``: lr_sigma / 2, ``pull``: 1 / (N sigma_p^2)."""
    variance = deviation * deviation
    move = variance * ((prior_mean - mean) * pull - by_mean)
    stretch = deviation * ((prior_variance - variance) * pull - deviation * by_deviation)
    return lr_mean * move, half_lr * stretch


@final
class Mesu(PairedOptimizer):
    """``window`` N in mini-batches, ``prior`` sigma_p, ``prior_mean`` mu_p; it keeps no state.

    Raises ValueError for a window or a prior that is not positive, and as ``PairedOptimizer`` does.
    """

    numbers = ("lr", "lr_deviation", "prior", "clamp")

    def __init__(
        self,
        params: Iterable[Tensor],
        window: float = 3e5,
        prior: float = 1.0,
        prior_mean: float = 0.0,
        lr: float = 1.0,
        lr_deviation: float = 1.0,
        clamp: float = 0.0,
    ):
        if not (window > 0 and prior > 0):
            raise ValueError(f"window and prior must be positive, got {window} and {prior}")
        rates = {"lr": lr, "lr_deviation": lr_deviation, "clamp": clamp}
        super().__init__(params, {"window": window, "prior": prior, "prior_mean": prior_mean, **rates})

    def moves(
        self, mean: Tensor, deviation: Tensor, by_mean: Tensor, by_deviation: Tensor, group: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        return mesu(mean, deviation, by_mean, by_deviation, *constants(group))


def constants(group: dict[str, Any]) -> tuple[float, float, float, float, float]:
    """What ``mesu`` takes behind the gradients."""
    variance = group["prior"] ** 2
    return group["lr"], group["lr_deviation"] / 2, group["prior_mean"], variance, 1 / (group["window"] * variance)
