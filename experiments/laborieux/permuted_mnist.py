"""Permuted MNIST against m, elastic weight consolidation, random consolidation and interleaved training.

Laborieux et al. 2021, Nat Commun 12:2549: its figure 2 (six permutations, 784-4096-4096-10, 40 epochs, m up to 1.35;
full precision; histograms of hidden weights) and table 1 (EWC, random consolidation). Their numbers could not be
found. ``--quick``: five permutations of 2000 images, 784-256-256-10, 5 epochs; m grows as training gets shorter.
"""

from dataclasses import dataclass, replace

import numpy as np
from common import BINARY, FULL, RESET, SPIKING, Page, Row, bars, report, save
from matplotlib.figure import Figure

from neuromorph.atomic import write_json
from neuromorph.learners import EWCLearner, TaskControlLearner
from neuromorph.learners.deep import DeepConfig
from neuromorph.learners.ewc import Consolidation
from neuromorph.run import learn_stream
from neuromorph.stopping import run_page
from neuromorph.streams import Stream, StreamWords


@dataclass(frozen=True)
class Args(Page):
    """Permuted MNIST."""

    tasks: int = 6
    """Permutations."""
    ms: tuple[float, ...] = (0.0, 0.5, 1.0, 1.35)
    """Metaplasticity; the last one is the paper's choice."""
    strength: float = 5000.0
    """Lambda of EWC."""
    fisher_samples: int = 5000
    """Samples of the Fisher information."""


QUICK = {"hidden": (256, 256), "epochs": 5, "samples": 2000, "test_samples": 1000, "batch": 50, "seeds": 2}
QUICK |= {"tasks": 5, "ms": (0.0, 5.0, 10.0, 20.0), "fisher_samples": 300}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    stream = args.stream("permuted-mnist", args.tasks)
    rows = table(args, stream)
    matrices = report(rows, args, "permuted_mnist")
    page = Figure(figsize=(7, 5.5), layout="constrained")
    bars(rows, matrices, page.subplots()).set_title(f"{args.tasks} permutations of MNIST", fontsize=10, loc="left")
    save(page, args.out / "permuted_mnist.png")
    histograms(args, stream(0))


def table(args: Args, stream: StreamWords) -> list[Row]:
    ours = ((BINARY, args.training, "batch-running"), (SPIKING, args.spiking_training, "none"))
    rows = []
    for m in args.ms:
        name = f"m = {m:g}"
        for network, build, norm in ours:
            rows.append(Row(name, network, lambda s, n=network, m=m: args.learner(n, m, s), stream, norm=norm))
            if m in (0.0, args.ms[-1]):

                def reset(seed, build=build, m=m):
                    return TaskControlLearner(build(m, seed), norm_per_task=False)

                rows.append(Row(name, network, reset, stream, "optimiser reset", norm=norm))
        if m in (0.0, args.ms[-1]):
            statistics = {"norm": "batch-statistics"}
            for network, build, options in (
                (BINARY, args.training, statistics),
                (SPIKING, args.spiking_training, statistics),
                (FULL, args.training, {"binary": False}),
            ):

                def published(seed, m=m, build=build, options=options):
                    return TaskControlLearner(build(m, seed, **options))

                norm = options.get("norm", "batch-running")
                rows.append(Row(name, network, published, stream, RESET, "task", norm))
            rows.append(Row(name, FULL, lambda s, m=m: args.learner(FULL, m, s), stream))
    for m in (0.0, DeepConfig.m):
        name = f"this project's rule, m = {m:g}"
        rows.append(Row(name, SPIKING, lambda s, m=m: args.default(m, s), stream, norm="none"))
    for shuffled, name in ((False, "EWC"), (True, "random consolidation")):
        rule = Consolidation(args.strength, args.fisher_samples, shuffled)
        for network, build, norm in ours:

            def consolidated(seed, build=build, rule=rule):
                return EWCLearner(build(0.0, seed), rule)

            rows.append(Row(name, network, consolidated, stream, "end of task", norm=norm))
    for network, norm in ((BINARY, "batch-running"), (SPIKING, "none"), (FULL, "batch-running")):

        def mixed(seed, network=network):
            return args.learner(network, 0.0, seed)

        joint = Row("interleaved, m = 0", network, mixed, replace(stream, joint=True), "all tasks at once", norm=norm)
        rows.append(joint)
    return rows


def histograms(args: Args, stream: Stream) -> None:
    """Hidden weights of the first hidden layer after each task, without and with metaplasticity; one seed."""
    page = Figure(figsize=(9, 5), layout="constrained")
    panels = page.subplots(2, 2, sharex="col")
    counts = {}
    for column, network in enumerate((BINARY, SPIKING)):
        for row, m in enumerate((0.0, args.ms[-1])):
            learner, ax = args.learner(network, m, 0), panels[row, column]
            for k in range(len(stream)):
                learn_stream(learner, stream[k : k + 1], args.epochs, k, progress=False)
                hidden = learner.network.layers[1].weight.detach().cpu().numpy().ravel()
                found, edges = np.histogram(hidden, 100, (-2.0, 2.0) if args.quick else (-5.0, 5.0))
                ax.stairs(
                    found / hidden.size, edges, label=f"task {k + 1}", color=f"{0.85 - 0.85 * k / len(stream):.2f}"
                )
                counts[f"{network} m={m:g} task {k + 1}"] = found.tolist()
            ax.set(yscale="log", title=f"{network}, m = {m:g}", xlabel="hidden weight, second layer")
    panels[0, 0].legend(fontsize=7, frameon=False)
    write_json(args.out / "hidden_weights.json", counts)
    save(page, args.out / "hidden_weights.png")


if __name__ == "__main__":
    run_page(main, Args)
