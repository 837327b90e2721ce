"""Flip the weights whose hidden weight lies in one bin of |W_h|: does a large one stand for an important bit?

Laborieux et al. 2021, Nat Commun 12:2549, figure 5 c-e (784-1024-1024-10, MNIST, 40 epochs, m = 1.35; 15 bins, 100
draws of 1000, 2000 and 100 weights in layers 1, 2 and 3; loss of the training images). Their numbers could not be
found. Scenario: one task, nothing told. ``--quick``: 5000 images, 256 units, 5 epochs, 10 draws of 300, 300 and 20.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from common import BINARY, SPIKING, Page, save
from matplotlib.figure import Figure

from neuromorph.atomic import write_json
from neuromorph.figures import COLOURS
from neuromorph.learners import ControlLearner
from neuromorph.run import learn_stream
from neuromorph.snn.importance import switch_increase
from neuromorph.stopping import run_page
from neuromorph.tables import deviation


@dataclass(frozen=True)
class Args(Page):
    """Importance of a binary weight."""

    hidden: tuple[int, ...] = (1024, 1024)
    """Hidden layers."""
    ms: tuple[float, ...] = (0.0, 1.35)
    """Metaplasticity."""
    bins: int = 15
    """Bins of |W_h| / max |W_h|."""
    draws: int = 100
    """Draws of weights a bin."""
    flips: tuple[int, ...] = (1000, 2000, 100)
    """Weights flipped at once, a layer."""
    probes: int = 60000
    """Training images on which the loss is measured."""
    seeds: int = 1
    """Runs."""


QUICK = {"hidden": (256, 256), "epochs": 5, "samples": 5000, "test_samples": 1000, "batch": 50, "ms": (0.0, 10.0)}
QUICK |= {"draws": 10, "flips": (300, 300, 20), "probes": 500}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    stream = args.stream("subsets-mnist", 1)(0)
    page, results = Figure(figsize=(10, 5.2), layout="constrained"), []
    panels = page.subplots(2, len(args.flips))
    for row, network in enumerate((BINARY, SPIKING)):
        for colour, m in zip(COLOURS, args.ms, strict=False):
            for seed in range(args.seeds):
                training = args.training if network == BINARY else args.spiking_training
                learner = ControlLearner(training(m, seed))
                label = f"{network} m = {m:g}"
                unfinished = args.out / "cells" / f"sign_switch-{network}-{args.quick}-{m:g}-{seed}.pt"
                accuracy = learn_stream(learner, stream, args.epochs, seed, unfinished, label=label).average_accuracy
                for layer, flips in enumerate(args.flips):
                    found = measured(args, learner, stream, layer, flips, seed)
                    results.append({"network": network, "m": m, "layer": layer + 1, "accuracy": accuracy, **found})
                    draw(found, panels[row, layer], colour, f"m = {m:g}" if not seed else "_")
                    panels[row, layer].set_title(f"{network}, layer {layer + 1}", fontsize=9)
    panels[0, 0].legend(fontsize=7, frameon=False)
    show(results)
    write_json(args.out / "sign_switch.json", results)
    save(page, args.out / "sign_switch.png")


def measured(args: Args, learner: ControlLearner, stream, layer: int, flips: int, seed: int) -> dict:
    """Bins that hold enough weights: mean |W_h| / max, and the loss increase a flip with its spread over draws."""
    x, y = (torch.from_numpy(a[: args.probes]).to(args.device) for a in stream[0].train)
    size, loss, accuracy = switch_increase(
        learner.network, layer, x, y, np.random.default_rng(seed), args.bins, args.draws, flips
    )
    kept = np.isfinite(size)
    return {
        "magnitude": size[kept].tolist(),
        "increase": loss[kept].mean(1).tolist(),
        "sd": deviation(loss[kept], 1).tolist(),
        "accuracy_after": accuracy[kept].mean(1).tolist(),
    }


def draw(found: dict, ax, colour: str, label: str) -> None:
    ax.errorbar(found["magnitude"], found["increase"], found["sd"], fmt="o-", ms=3, lw=1, color=colour, label=label)
    ax.set(xlabel="|hidden weight| / max", ylabel="loss increase a flip")


def show(results: list[dict]) -> None:
    print("loss increase a flip (1e-6 nats) in the lowest and the highest bin with enough weights, +- sd over draws,")
    print("and correlation of the bins' means with |hidden weight|; one task, nothing told")
    print(f"{'network':14}{'m':>6}{'layer':>7}{'accuracy':>10}{'lowest':>16}{'highest':>16}{'correlation':>13}")
    for r in results:
        ends = [f"{1e6 * r['increase'][k]:.1f} +- {1e6 * r['sd'][k]:.1f}" for k in (0, -1)]
        correlation = np.corrcoef(r["magnitude"], r["increase"])[0, 1] if len(r["magnitude"]) > 2 else float("nan")
        print(
            f"{r['network']:14}{r['m']:6g}{r['layer']:7}{r['accuracy']:10.3f}{ends[0]:>16}{ends[1]:>16}{correlation:13.2f}"
        )


if __name__ == "__main__":
    run_page(main, Args)
