"""The quadratic binary task: hidden weights that diverge stand for bits whose flip is expensive.

Laborieux et al. 2021, Nat Commun 12:2549, figure 5 a-b and the authors' notebook: two trajectories in two dimensions,
and in 500 dimensions the loss increase of a flip against |W_h| / max, with the law 2 H_ii + 2 |W_h| / (eta t).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import save
from matplotlib.figure import Figure

from fusi_models.theory.quadratic import QuadraticTask, random_task
from neuromorph.atomic import write_json
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    """Figures 5 a and b."""

    size: int = 500
    """Dimensions."""
    steps: int = 1000
    """Steps."""
    lr: float = 0.01
    """Learning rate in many dimensions."""
    seeds: int = 3
    """Random tasks."""
    bins: int = 15
    """Bins of |W_h| / max."""
    quick: bool = False
    """Nothing to shorten: a run takes seconds."""
    out: Path = Path("runs/laborieux")
    """Folder of the figure and the numbers."""


def main(args: Args) -> None:
    page = Figure(figsize=(11, 3.4), layout="constrained")
    plane, time, law = page.subplots(1, 3)
    flat = QuadraticTask(np.array([[2.4047, 0.2158], [0.2158, 0.7733]]), np.array([1.5, 0.5]))
    path = flat.trajectory(np.array([0.01, 0.02]), 0.35, 500)
    slope = np.polyfit(np.arange(501), path[:, 0], 1)[0]
    print(f"two dimensions: x grows by {slope:.4f} a step, y stays in [{path[:, 1].min():.2f}, {path[:, 1].max():.2f}]")
    plane.plot(*path[:60].T, ".-", lw=0.6, ms=2)
    plane.set(xlabel="hidden weight x", ylabel="hidden weight y", title="W* = (1.5, 0.5)")
    time.plot(path[:60], label=("x: |W*| > 1", "y: |W*| < 1"))
    time.set(xlabel="step", ylabel="hidden weight")
    time.legend(fontsize=7, frameon=False)
    print(f"{'':10}{'Pearson':>9}{'law off, > 25 % of max':>24}{'all':>8}{'diverging':>11}")
    results = [measured(args, seed, diagonal, law) for diagonal in (False, True) for seed in range(args.seeds)]
    law.set(xlabel="|W_h| / max", ylabel="loss increase of a flip", title=f"{args.size} dimensions")
    write_json(args.out / "quadratic.json", {"slope": slope, "runs": results})
    save(page, args.out / "quadratic.png")


def measured(args: Args, seed: int, diagonal: bool, ax) -> dict:
    rng = np.random.default_rng(seed)
    task = random_task(args.size, rng, diagonal=diagonal)
    hidden = task.trajectory(0.01 * rng.standard_normal(args.size), args.lr, args.steps)[-1]
    exact, predicted = task.flip_increase(hidden), task.predicted_increase(hidden, args.lr, args.steps)
    size, out = np.abs(hidden) / np.abs(hidden).max(), np.abs(task.target) > 1
    error, kept = np.abs(predicted / exact - 1), size > 0.25
    found = {
        "diagonal": diagonal,
        "pearson": np.corrcoef(size, exact)[0, 1],
        "error_large": np.median(error[kept]),
        "error_all": np.median(error[out] if diagonal else error),
        "diverging": out.mean(),
    }
    name = "diagonal" if diagonal else "rotated"
    print(
        f"{name:10}{found['pearson']:9.3f}{found['error_large']:24.2%}{found['error_all']:8.2%}{found['diverging']:11.0%}"
    )
    if seed == 0 and not diagonal:
        ax.plot(size, exact, ".", ms=3, color="0.75", label="each weight")
        ax.plot(size, predicted, ".", ms=2, color="C1", label="2 H_ii + 2 |W_h| / (eta t)")
        place = np.minimum((size * args.bins).astype(int), args.bins - 1)
        bins = [k for k in range(args.bins) if (place == k).any()]
        ax.plot(
            [size[place == k].mean() for k in bins], [exact[place == k].mean() for k in bins], "o-", label="bin means"
        )
        ax.legend(fontsize=7, frameon=False)
    return {k: float(v) if k != "diagonal" else v for k, v in found.items()}


if __name__ == "__main__":
    run_page(main, Args)
