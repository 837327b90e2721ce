"""How many bits a hidden weight needs on the chip: average accuracy and forgetting against the word length.

The local rule on a permuted stream with integer hidden weights of 4 to 16 bits, a step rounded to the nearest level or
by chance; the dashed line is the real-valued hidden weight. Same states as on Lava (see on_chip_learning.py).
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from fusi_models import HiddenWeight, SynapseModel
from fusi_models.models.integer import IntegerHiddenWeight
from neuromorph import streams
from neuromorph.atomic import replacing, write_json
from neuromorph.figures import COLOURS
from neuromorph.learners.torch import TorchLearner
from neuromorph.run import learn_stream
from neuromorph.stopping import run_page

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@dataclass(frozen=True)
class Args:
    """Forgetting against bits of hidden state."""

    stream: str = "permuted-digits"
    """KIND-DATA as in ``neuromorph compare``."""
    tasks: int = 5
    """Tasks of the stream."""
    samples: int = 300
    """Training samples a task."""
    seeds: int = 3
    """Seeds, side by side in one network."""
    m: float = 3.0
    """Metaplasticity."""
    bits: tuple[int, ...] = (4, 5, 6, 7, 8, 10, 12, 16)
    """Word lengths."""
    out: Path = Path("runs/state_bits")
    """Files to write: this name with .json and .svg."""


def main(args: Args) -> None:
    hidden = HiddenWeight(args.m)
    real = measure(args, hidden)
    curves = {
        rounding: np.array(
            [measure(args, IntegerHiddenWeight(hidden, bits, rounding == "by chance")) for bits in args.bits]
        )
        for rounding in ("to the nearest", "by chance")
    }
    print(f"{'bits':>5}   {'ACC nearest':>15} {'ACC by chance':>15} {'forg. nearest':>15} {'forg. by chance':>15}")
    for k, bits in enumerate(args.bits):
        cells = [curves[name][k, row] for row in (0, 1) for name in curves]
        print(f"{bits:5}   " + " ".join(f"{c.mean():7.3f} +- {c.std(ddof=1):.3f}" for c in cells))
    print(f" real   ACC {real[0].mean():.3f} +- {real[0].std(ddof=1):.3f}, forgetting {real[1].mean():.3f}")
    write_json(
        args.out.with_suffix(".json"),
        {"bits": args.bits, "real": real.tolist()} | {n: c.tolist() for n, c in curves.items()},
    )
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for row, (ax, title) in enumerate(zip(axes, ("average accuracy", "forgetting (Chaudhry)"), strict=True)):
        for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
            mean, sd = curve[:, row].mean(-1), curve[:, row].std(-1, ddof=1)
            ax.errorbar(args.bits, mean, sd, fmt="o-", ms=4, lw=1.2, color=colour, label=f"rounded {name}")
        ax.axhline(real[row].mean(), color="0.5", ls="--", lw=1, label="real-valued")
        ax.set(xlabel="bits of hidden state", title=title)
    axes[0].legend(fontsize=8)
    with replacing(args.out.with_suffix(".svg")) as unfinished, plt.rc_context({"svg.hashsalt": "neuromorph"}):
        figure.savefig(unfinished, metadata={"Date": None})


def measure(args: Args, synapse: SynapseModel) -> np.ndarray:
    """(ACC, forgetting) [2, seed]."""
    seeds = tuple(range(args.seeds))
    stream = streams.parallel([streams.by_name(args.stream, args.tasks, seed, args.samples, 200) for seed in seeds])
    learner = TorchLearner(synapse, int(np.prod(stream.shape)), stream.outputs, seeds=seeds)
    matrix = learn_stream(learner, stream, 1, seeds, label=synapse.name)
    return np.array([matrix.average_accuracy, matrix.forgetting])


if __name__ == "__main__":
    run_page(main, Args)
