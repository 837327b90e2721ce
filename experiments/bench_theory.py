"""Speed of the theory of recall, as ratios within one run.

A Gibbs flip that knows the covariance of all N (N - 1) synapses, against the number of neurons (expected: linear), and
against the dense Gaussian that it replaces: the quadratic form of all synapses with a stored inverse, N^4 products.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from timing import in_turn

import fusi_models as fm
from fusi_models.networks import aware
from fusi_models.networks.memory import Memory, chain_memory
from fusi_models.seeds import generator
from fusi_models.theory.pairs import GATING, Pairs
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    neurons: tuple[int, ...] = (16, 32, 64, 1000, 2000, 4000, 8000)
    """Sizes of networks."""
    dense: int = 64
    """Largest size for the dense Gaussian: 8 N^4 bytes."""
    flips: int = 400
    """Flips timed."""


def seconds(run: Callable[[], object], times: int) -> float:
    """Of one ``run``, by the processor's clock, the median of five rounds of ``times``."""

    def many(n: int) -> None:
        for _ in range(n):
            run()

    return float(np.median(in_turn({"run": many}, 0, times, 5)["run"]))


def dense_covariance(pairs: Pairs, neurons: int) -> np.ndarray:
    """[synapse, synapse], in the order of the off-diagonal entries of [post, pre]."""
    post, pre = np.nonzero(~np.eye(neurons, dtype=bool))
    same_post, same_pre = post[:, None] == post, pre[:, None] == pre
    there, back = pre[:, None] == post, post[:, None] == pre
    kinds = [same_post & same_pre, there & back, same_post, same_pre, there | back]
    return np.select(kinds, [pairs.variance, pairs.reciprocal, pairs.post, pairs.pre, pairs.chain], 0.0)


def flip_time(weights: np.ndarray, memory: Memory, x: np.ndarray, flips: int) -> tuple[float, float]:
    """Seconds to weigh a flip, and to carry it out."""
    state, order = aware.Residual(weights, memory, x), itertools.cycle(range(len(x)))
    return seconds(lambda: state.gain(next(order)), flips), seconds(lambda: state.flip(next(order)), flips)


def recall(args: Args) -> None:
    memory = chain_memory(fm.cascade(5), GATING["coincidence"], 0.5, 1)
    print(f"{'neurons':>8}{'weigh a flip':>16}{'flip':>12}{'dense Gaussian':>18}{'ratio':>12}")
    sizes, cost = [], []
    for n in args.neurons:
        rng = generator("benchmark of recall", n)
        weights, x = rng.choice([-1.0, 1.0], (n, n)), rng.integers(0, 2, n)
        weigh, flip = flip_time(weights, memory, x, args.flips)
        sizes.append(n)
        cost.append(weigh + flip)
        line = f"{n:8}{weigh * 1e6:13.1f} us{flip * 1e6:9.1f} us"
        if n <= args.dense:
            off = ~np.eye(n, dtype=bool)
            inverse = np.linalg.inv(dense_covariance(memory.pairs, n))

            def dense(off=off, inverse=inverse, weights=weights, x=x):
                residual = (weights - memory.mean[x[:, None], x])[off]
                return residual @ inverse @ residual

            full = seconds(dense, 3)
            line += f"{full * 1e6:15.1f} us{full / (weigh + flip):12.1f}"
        print(line)
    large = np.array(sizes) >= 1000
    if large.sum() > 1:
        slope = np.polyfit(np.log(np.array(sizes)[large]), np.log(np.array(cost)[large]), 1)[0]
        print(f"exponent of the cost in N, from 1000 neurons on: {slope:.2f}")


def main(args: Args) -> None:
    recall(args)


if __name__ == "__main__":
    run_page(main, Args)
