"""Speed of the compiled reference of the calcium model against Brian2, on one network, as a ratio within one run.

The network is the cell of Yeung et al. 2004: 100 excitatory inputs whose weights, calcium and receptors move at every
millisecond, and inhibition. Both get the same spikes and must fire the same ones.

Measured: 78 to 95 times faster at 100 inputs, where Brian2 pays a fixed cost at every step; 20 at 1000 (--size 250).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from timing import in_turn, ratio

from fusi_models.engines.calcium_brian import advance_brian
from fusi_models.engines.calcium_inputs import patterns
from fusi_models.engines.calcium_neuron import CalciumNeuron, advance, start
from fusi_models.models.calcium import YEUNG_2004_SELECTIVE
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    seconds: int = 20
    """Model time of the long run; the short one takes a tenth."""
    repeats: int = 5
    """Pairs of a long and a short run of each."""
    size: int = 25
    """Inputs of each of the four patterns."""
    target: Literal["cython", "numpy"] = "cython"
    """Brian2's target."""


def main(args: Args) -> None:
    cell, inputs = CalciumNeuron(YEUNG_2004_SELECTIVE), patterns(4, args.size)
    excite, inhibit = inputs.draw(0, args.seconds * 1000, 1.0, np.random.default_rng(0))
    before, short = start(cell, 4 * args.size, weight=2.0), args.seconds * 100

    def brian(steps):
        return advance_brian(cell, before, excite[:steps], inhibit[:steps], target=args.target)

    def compiled(steps):
        return advance(cell, before, excite[:steps], inhibit[:steps])

    rivals = {f"Brian2 {args.target}": brian, "compiled reference": compiled}
    elapsed = in_turn(rivals, short, len(excite), args.repeats)
    (after, fired), (also_after, also) = compiled(len(excite)), brian(len(excite))
    distance = np.abs(after.weight - also_after.weight).max()
    print(f"{4 * args.size} plastic inputs, {fired.sum()} output spikes in {args.seconds} s of model time")
    print(f"spikes that differ: {(fired != also).sum()}; largest distance of weights: {distance:.1e}")
    for name, seconds in elapsed.items():  # a step is a millisecond
        print(f"{name:20}{1e6 * np.median(seconds):10.3f} ms per second of model time")
    print(f"ratio: {ratio(*elapsed.values())}, median and quartiles of {args.repeats} pairs")


if __name__ == "__main__":
    run_page(main, Args)
