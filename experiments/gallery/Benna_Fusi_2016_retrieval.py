"""Attractor networks of chains of hidden variables: retrieval beside the SNR (after Benna & Fusi 2016, Nat Neurosci).

Left: overlap of what a Hopfield network recalls from a cue with 10 % of its bits inverted, against the memory's age,
for Benna-Fusi chains, cascades and binary synapses (bands: standard error over networks). Middle: the SNR of a neuron's
input, sqrt(N) S(t), and the oldest age retrieved of each. Right: that age against the number of neurons, with the age
where the SNR falls to 2.3. The paper's own retrieval simulations could not be read: rule (every connection gets +1 or
-1 for agreement), dynamics (all neurons at once, no temperature) and sizes are ours.

Agrees: memories in chains stay retrievable far longer than in cascades or binary synapses, and the gain grows with N.
Oldest age retrieved, mean of five networks, at N = 200, 400, 1000, 2000: chain m = 4: 5.8, 9.8, 20.8, 38.4 (about N);
cascade n = 6: 1.2, 2.0, 6.6, 10.6; n = 4: 2.0, 3.2, 5.6, 7.6; binary q = .25: 1.4, 2.6, 3.8, 5.0; q = 1: only the last
pattern. The SNR there is 2.0 to 2.8 for all of them, and grows a little with N.
Does not say: that longer chains are better at these sizes; m = 6 (4.4, 7.2, 17.2, 29.4) is behind m = 4, as its SNR is.
Which of the two is ahead rests on the last variable: without its leak the chain m = 4 falls behind (attractors.py).
Lone peaks of q = 1 are cues at right angles to the last pattern: updated all at once, they come back every second step.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.networks.attractors import HOPFIELD, grow, input_snr, oldest, retention
from fusi_models.seeds import generator
from neuromorph.stopping import run_page
from neuromorph.tables import deviation

MODELS = (fm.BennaFusi(4), fm.BennaFusi(6), fm.cascade(4), fm.cascade(6), fm.plain(0.25), fm.plain(1.0))
LEVEL = 2.3
"""SNR below which a memory is not expected back."""


@dataclass(frozen=True)
class Args:
    neurons: int = 1000
    """N of the left and middle panels."""
    sizes: tuple[int, ...] = (200, 400, 1000, 2000)
    """N of the right panel; 5000 takes about a gigabyte."""
    networks: int = 5
    """Networks a point; the right panel has as many."""
    stored: int = 60
    """Patterns stored, after 20 that are not asked for."""
    quick: bool = False
    """A small size: two networks of up to 200 neurons, two models."""
    out: Path = Path("Benna_Fusi_2016_retrieval.svg")
    """Figure to write."""


def recalled(syn: fm.SynapseModel, neurons: int, args: Args) -> np.ndarray:
    """[network, age]: overlaps."""
    found = []
    for k in range(args.networks):
        rng = generator("retrieval page", neurons, k)
        network = grow(syn, HOPFIELD, neurons, args.stored, rng)
        found.append(retention(network, HOPFIELD, np.array([0.1]), rng)[0])
    return np.array(found)


def main(args: Args) -> None:
    if args.quick:
        args = replace(args, neurons=200, sizes=(100, 200), networks=2, stored=20)
    page = Figure(figsize=(12, 3.8), layout="constrained")
    left, middle, right = page.subplots(1, 3)
    ages = np.arange(args.stored)
    for k, syn in enumerate(MODELS[1:3] if args.quick else MODELS):
        color, lives = f"C{k}", []
        for n in sorted({args.neurons, *args.sizes}):
            overlaps = recalled(syn, n, args)
            last = np.array([oldest(row) for row in overlaps])
            snr = input_snr(syn, HOPFIELD, n, np.arange(400))
            lives.append(
                (n, last.mean(), deviation(last) / np.sqrt(len(last)), np.flatnonzero(snr >= LEVEL).max(initial=-1))
            )
            edges = snr[[max(round(last.mean()), 0), round(last.mean()) + 1]]
            print(f"{syn.name:20} N {n:5}: oldest {last.tolist()} mean {last.mean():.1f}, SNR there {edges[0]:.2f}, "
                  f"next {edges[1]:.2f}; SNR >= {LEVEL} until {lives[-1][3]}")  # fmt: skip
            if n == args.neurons:
                mean, error = overlaps.mean(0), deviation(overlaps) / np.sqrt(len(overlaps))
                left.plot(ages, mean, color=color, label=syn.name)
                left.fill_between(ages, mean - error, mean + error, color=color, alpha=0.2)
                middle.semilogy(ages + 1, snr[: args.stored], color=color)
                seen = max(round(last.mean()), 0)
                middle.plot(seen + 1, snr[seen], "o", color=color)
        sizes, means, errors, expected = np.array(lives).T
        right.errorbar(sizes, means + 1, errors, fmt="o", ms=4, color=color)
        right.plot(sizes, expected + 1, color=color, lw=1)
    middle.axhspan(2.1, 2.5, color="0.85", zorder=0)
    left.set(title=f"recalled, N = {args.neurons}", xlabel="age (patterns)", ylabel="overlap")
    middle.set(title="SNR of an input; dot: oldest recalled", xlabel="age + 1", ylim=(0.3, None))
    right.set(title=f"oldest recalled; lines: SNR = {LEVEL}", xlabel="neurons N", ylabel="age + 1", xscale="log",
              yscale="log")  # fmt: skip
    right.set_xticks(args.sizes, args.sizes)
    right.set_xticks([], minor=True)
    left.legend(frameon=False, fontsize=8)
    page.savefig(args.out)


if __name__ == "__main__":
    run_page(main, Args)
