"""Does a large hidden weight stand for an important bit? The loss after flipping signs, against |W_h|.

D L(bin) = [L(W_b with ``flips`` signs of one bin flipped) - L(W_b)] / flips,   bins of equal width in |W_h| / max |W_h|

Source: Laborieux et al. 2021, Nat Commun 12:2549, the experiment of sign switches as in the authors' code (cross
entropy in nats, over all samples given).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fusi_models.checks import count
from neuromorph.snn.layered import Layered


@torch.no_grad()
def switch_increase(
    network: Layered,
    layer: int,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    bins: int = 15,
    draws: int = 100,
    flips: int = 1000,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean |W_h| / max [bin], loss increase a flip [bin, draw], and accuracy [bin, draw], by random draws of weights.

    x [n, feature], y [n]; weights of ``network.layers[layer]``, restored at the end. NaN where a bin holds fewer than
    ``flips`` weights. Raises ValueError for counts below 1.
    """
    for name, value in (("bins", bins), ("draws", draws), ("flips", flips)):
        count(name, value)
    network.eval()
    weight = network.weights()[layer]
    flat = weight.view(-1)
    size = flat.abs().cpu().numpy() / flat.abs().max().item()
    before = functional.cross_entropy(_scores(network, x), y).item()
    magnitude, increase, accuracy = (
        np.full(bins, np.nan),
        np.full((bins, draws), np.nan),
        np.full((bins, draws), np.nan),
    )
    for k in range(bins):
        candidates = np.flatnonzero((size > k / bins) & (size <= (k + 1) / bins))
        if len(candidates) < flips:
            continue
        magnitude[k] = size[candidates].mean()
        for draw in range(draws):
            chosen = torch.from_numpy(rng.choice(candidates, flips, replace=False)).to(flat.device)
            flat[chosen] *= -1
            scores = _scores(network, x)
            flat[chosen] *= -1
            increase[k, draw] = (functional.cross_entropy(scores, y).item() - before) / flips
            accuracy[k, draw] = (scores.argmax(1) == y).float().mean().item()
    return magnitude, increase, accuracy


def _scores(network: Layered, x: Tensor) -> Tensor:
    """In parts, which bounds the memory of the spiking network's membranes."""
    return torch.cat([network.scores(part) for part in x.split(1000)])
