"""Phase diagram of palimpsest attractor networks: which ages can be recalled, from how noisy a cue, at which size.

Upper row: overlap of the recalled with the stored pattern over number of neurons and age (Hopfield networks, 10 % of
the cue's bits inverted), with the age where a neuron's input has an SNR of 2.3. Lower left: basins, the largest
fraction of inverted bits from which a memory still comes back, against its age. Lower middle: sparse networks, number
of memories that are recalled (of all ages stored) against the coding level, and where the closed form of
``theory.sparse`` puts an SNR of 4. Lower right: a Willshaw network filled more and more, with its theoretical capacity.

Found (three networks a point): the edge of retrieval follows the SNR, a little later than 2.3 in small networks and
earlier in large ones. The basin of a chain stays at .4 of the bits for five ages and closes at twelve (N = 800), the
cascade's closes at five. The sparse optimum lies at f = .03, 98 memories, where dense networks keep three to twelve; at
larger f fewer come back than independent synapses would allow (5 for 16 at f = .2): shared neurons correlate them. Rare
events (tsodyks, q = .5) gain nothing at this size, for the first SNR is too low. The Willshaw network breaks between
one and 1.25 times its theoretical capacity.

Another network's m = 4 / 6 came back to ages 12 / 20 at N = 1000 and 6 / 8 at N = 400, where ours with m = 4 has the
longer memory. A chain without leak has these (``without_leak`` prints 13 / 21 and 5 / 8): it has no equilibrium, so
after 3000 patterns from empty chains the variance of the short one has grown more. That this was the cause is inferred.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.networks import attractors as net
from fusi_models.seeds import generator
from fusi_models.theory.sparse import Sparse, willshaw_capacity
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    sizes: tuple[int, ...] = (100, 200, 400, 700, 1000, 1500)
    """Numbers of neurons of the upper row."""
    neurons: int = 800
    """Neurons of the lower row."""
    networks: int = 3
    """Networks averaged."""
    stored: int = 40
    """Patterns stored in dense networks."""
    codings: tuple[float, ...] = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    """Coding levels of the sparse networks."""
    quick: bool = False
    """A small size."""
    out: Path = Path("attractors.svg")
    """Figure to write."""


def overlaps(syn, scheme: net.Scheme, neurons: int, stored: int, flips, args: Args, burn_in: int = 20) -> np.ndarray:
    """[flip, age], mean over networks."""
    found = []
    for k in range(args.networks):
        rng = generator("attractors page", neurons, k)
        network = net.grow(syn, scheme, neurons, stored, rng, burn_in)
        found.append(net.retention(network, scheme, np.array(flips), rng))
    return np.mean(found, 0)


def phases(page, axes, models, args: Args) -> None:
    ages = np.arange(args.stored)
    for ax, syn in zip(axes, models, strict=True):
        grid = np.array([overlaps(syn, net.HOPFIELD, n, args.stored, [0.1], args)[0] for n in args.sizes])
        image = ax.pcolormesh(np.arange(len(args.sizes)), ages, grid.T, vmin=0, vmax=1, shading="nearest")
        line = [(net.input_snr(syn, net.HOPFIELD, n, ages) >= 2.3).sum() - 0.5 for n in args.sizes]
        ax.plot(line, "w", lw=2, label="SNR = 2.3")
        ax.set_xticks(range(len(args.sizes)), args.sizes)
        ax.set(title=syn.name, xlabel="neurons N", ylabel="age (patterns)", ylim=(-0.5, args.stored - 0.5))
        print(
            f"{syn.name}: oldest at N {args.sizes}", [net.oldest(row) for row in grid], "SNR 2.3:", np.array(line) - 0.5
        )
    for n in (400, 1000):
        print(f"no leak, 3000 stored from empty, N = {n}: m = 4, 6: {[without_leak(m, n, 3000) for m in (4, 6)]}")
    page.colorbar(image, ax=axes[-1], label="overlap")


def without_leak(levels: int, neurons: int, stored: int, level: float = 2.3) -> int:
    """Oldest age of SNR ``level`` in a Benna-Fusi chain without its leak that began empty and has stored so many."""
    syn = fm.BennaFusi(levels)
    transfer, state, trace = syn.transfer.copy(), np.eye(levels)[0], np.empty(stored)
    transfer[-1, -1] += syn.alpha / 2 / syn.base ** (2 * levels - 2)
    for t in range(stored):
        trace[t], state = state[0], transfer @ state
    return int((np.sqrt(neurons / (trace**2).sum()) * trace >= level).sum() - 1)


def basins(ax, models, args: Args) -> None:
    flips = np.array([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45])
    for syn in models:
        widths = net.basin(overlaps(syn, net.HOPFIELD, args.neurons, args.stored, flips, args), flips)
        ax.plot(widths, "o-", ms=3, label=syn.name)
        print(f"{syn.name}: basin at ages 0, 2, 5, 10, 15", np.round(widths[[0, 2, 5, 10, 15]], 2))
    ax.set(title=f"basins, N = {args.neurons}", xlabel="age (patterns)", ylabel="bits inverted", ylim=(-0.01, 0.5))


def sparse(ax, args: Args) -> None:
    for name, scheme in (("amit-fusi", net.amit_fusi), ("tsodyks", net.tsodyks)):
        counts = []
        for f in args.codings:
            stored = int(min(6 / f, 60 if args.quick else 300))
            kept = overlaps(fm.plain(1.0), scheme(f), args.neurons, stored, [0.1], args, int(min(3 / f**2, 4 * stored)))
            counts.append((kept[0] > 0.9).sum())
        ax.loglog(args.codings, np.maximum(counts, 0.5), "o-", label=name)
        print(f"{name}: recalled of all stored, at coding levels {args.codings}:", counts)
    theory = [Sparse(args.neurons, f).lifetime(4.0) for f in args.codings]
    ax.loglog(args.codings, np.maximum(theory, 0.5), "k--", lw=1, label="closed form, SNR 4, amit-fusi")
    print("closed form, SNR 4:", np.round(theory, 1))
    ax.set(title=f"sparse, N = {args.neurons}", xlabel="coding level f", ylabel="memories recalled")


def willshaw(ax, args: Args) -> None:
    for f in (0.02, 0.05):
        capacity = willshaw_capacity(args.neurons, f)[0]
        loads = np.array([0.5, 1, 2] if args.quick else [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3])
        found = []
        for load in loads:
            rng = generator("willshaw page", int(100 * load))
            network = net.grow(fm.plain(1.0), net.willshaw(f), args.neurons, max(int(load * capacity), 1), rng)
            asked = network._replace(patterns=network.patterns[:100])
            found.append(net.retention(asked, net.willshaw(f), np.array([0.0]), rng).mean())
        ax.plot(loads, found, "o-", ms=3, label=f"f = {f}, capacity {capacity:.0f}")
        print(f"willshaw f = {f}: capacity {capacity:.0f}, overlap at loads {loads}:", np.round(found, 3))
    ax.set(title="Willshaw", xlabel="patterns / capacity", ylabel="overlap", ylim=(0, 1.05))


def main(args: Args) -> None:
    if args.quick:
        args = replace(args, sizes=(50, 100), neurons=100, networks=1, stored=16, codings=(0.05, 0.2))
    page = Figure(figsize=(12, 7), layout="constrained")
    axes = page.subplots(2, 3)
    models = (fm.plain(0.25), fm.cascade(5), fm.BennaFusi(4))
    phases(page, axes[0], models, args)
    basins(axes[1, 0], models, args)
    sparse(axes[1, 1], args)
    willshaw(axes[1, 2], args)
    for ax in axes.ravel():
        ax.legend(frameon=False, fontsize=8, labelcolor="w" if ax in axes[0] else None)
    page.savefig(args.out)


if __name__ == "__main__":
    run_page(main, Args)
