"""The spike-driven classifier (Brader, Senn & Fusi 2007): digits, MNIST, and what it forgets, each over seeds.

``digits`` and ``mnist``: one task. ``forgetting``: permuted and split digits, one after another, without a word at the
boundaries: the internal variable, the cascade in its place, and a binary synapse with nothing hidden (no protection),
all behind the same calcium gates; chance and, as the upper reference, all tasks at once beside. Constants were chosen
on a validation part of the digits' training images (the cascade's and the plain synapse's rate too); MNIST has its own.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tyro

from fusi_models import cascade, plain
from fusi_models.models.brader import accepting
from neuromorph import streams
from neuromorph.data import load
from neuromorph.learners.brader import BraderConfig, BraderLearner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream


@dataclass(frozen=True)
class Args:
    what: Literal["digits", "mnist", "forgetting"] = "digits"
    """What is shown."""
    seeds: int = 5
    """Seeds of learner, order and stream."""
    epochs: int = 8
    """Passes over a task."""
    tasks: int = 3
    """Permutations (five splits are two classes each, whatever this says)."""
    units: int = 40
    """Output units a class."""
    samples: int | None = None
    """Training images, where not all."""
    test_samples: int | None = None
    """Test images, where not all."""
    cascade: tuple[float, float] = (0.03, 0.002)
    """Part of the gates +1 and -1 that the cascade accepts."""
    plain: tuple[float, float] = (0.009, 0.0005)
    """Part of the gates +1 and -1 that the plain synapse accepts."""


MNIST = BraderConfig(levels=(0.1, 0.3, 0.5, 0.7), off_levels=())
MNIST = replace(MNIST, circuit=replace(MNIST.circuit, weight=0.03))


def run(stream: streams.Stream, config: BraderConfig, seed: int, epochs: int) -> AccuracyMatrix:
    inputs = int(np.prod(stream.shape))
    return learn_stream(BraderLearner(inputs, stream.outputs, config, seed), stream, epochs, seed, label=stream.name)


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def one_task(args: Args) -> None:
    config = replace(MNIST if args.what == "mnist" else BraderConfig(), units_per_class=args.units)
    data = load(args.what).limited(args.samples, args.test_samples)
    found = []
    for seed in range(args.seeds):
        matrix = run(streams.subsets(data, 1, seed), config, seed, args.epochs)
        found.append(float(matrix.average_accuracy))
        print(f"{args.what}, seed {seed}: {found[-1]:.3f} (before learning {matrix.baseline[0]:.3f})", flush=True)
    print(f"{args.what}, {args.epochs} epochs, {len(data.train[0])} images, {args.seeds} seeds: {spread(found)}")


def forgetting(args: Args) -> None:
    data, base = load("digits").limited(args.samples, args.test_samples), BraderConfig(units_per_class=args.units)
    synapses = {
        "internal variable": base.hidden,
        "cascade of 5": accepting(cascade(5), *args.cascade),
        "plain (no protection)": accepting(plain(), *args.plain),
    }
    for kind in ("permuted", "split"):
        for name, hidden in synapses.items():
            found: list[AccuracyMatrix] = []
            for seed in range(args.seeds):
                stream = (
                    streams.permuted(data, args.tasks, seed)
                    if kind == "permuted"
                    else streams.split(data, 2, "domain", seed)
                )
                found.append(run(stream, replace(base, hidden=hidden), seed, args.epochs))
            kept = spread([float(m.average_accuracy) for m in found])
            learned = spread([float(m.learning_accuracy) for m in found])
            lost = spread([float(m.forgetting) for m in found])
            print(f"{kind:9}{name:24} kept {kept}  learned {learned}  forgotten {lost}", flush=True)
        print(f"{kind:9}chance {1 / stream.outputs:.2f}", flush=True)
        joint = run(streams.joint(stream), base, args.seeds - 1, args.epochs)
        print(f"{kind:9}all tasks at once, internal variable, one seed: {joint.average_accuracy:.3f}", flush=True)


def main(args: Args) -> None:
    forgetting(args) if args.what == "forgetting" else one_task(args)


if __name__ == "__main__":
    main(tyro.cli(Args))
