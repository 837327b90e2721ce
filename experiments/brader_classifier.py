"""The spike-driven classifier (Brader, Senn & Fusi 2007): digits, MNIST, and what it forgets, each over seeds.

``digits`` and ``mnist``: one task. ``forgetting``: permuted and split digits, one after another, without a word at the
boundaries: the internal variable, a cascade and a chain of many states in its place, and a binary synapse with nothing
hidden (no protection), all behind the same calcium gates; chance and all tasks at once beside. Constants were chosen on
a validation part of the digits' training images; MNIST has its own levels and weight, chosen on 1000 of its training
images that were not among those learned.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tyro

from fusi_models import cascade, multistate, plain
from fusi_models.models.brader import Hidden, accepting
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
    synapse: Literal["internal", "multistate", "cascade", "plain"] = "internal"
    """Hidden variable of digits and mnist; ``forgetting`` compares them."""


HIDDEN: dict[str, Hidden] = {
    "internal": BraderConfig().hidden,
    "multistate": accepting(multistate(40), 0.2, 0.016),
    "cascade": accepting(cascade(5), 0.04, 0.0025),
    "plain": accepting(plain(), 0.009, 0.0005),
}
"""The paper's X, and chains in its place; ``plain`` protects nothing. The last three accept a part of the gates."""
MNIST = BraderConfig(levels=(0.1, 0.3, 0.5, 0.7), off_levels=())
MNIST = replace(MNIST, circuit=replace(MNIST.circuit, weight=0.03))


def run(stream: streams.Stream, config: BraderConfig, seed: int, epochs: int) -> AccuracyMatrix:
    inputs = int(np.prod(stream.shape))
    return learn_stream(BraderLearner(inputs, stream.outputs, config, seed), stream, epochs, seed, label=stream.name)


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def one_task(args: Args) -> None:
    config = replace(
        MNIST if args.what == "mnist" else BraderConfig(), units_per_class=args.units, hidden=HIDDEN[args.synapse]
    )
    data = load(args.what).limited(args.samples, args.test_samples)
    found = []
    for seed in range(args.seeds):
        matrix = run(streams.subsets(data, 1, seed), config, seed, args.epochs)
        found.append(float(matrix.average_accuracy))
        print(f"  seed {seed}: {found[-1]:.3f} (before learning {matrix.baseline[0]:.3f})", flush=True)
    what = f"{args.what}, {args.synapse}, {args.units} units a class, {args.epochs} epochs, {len(data.train[0])} images"
    print(f"{what}, {args.seeds} seeds: {spread(found)}")


def forgetting(args: Args) -> None:
    data, base = load("digits").limited(args.samples, args.test_samples), BraderConfig(units_per_class=args.units)
    for kind in ("permuted", "split"):
        for name, hidden in HIDDEN.items():
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
            print(f"{kind:9}{name:11} kept {kept}  learned {learned}  forgotten {lost}", flush=True)
        print(f"{kind:9}chance {1 / stream.outputs:.2f}", flush=True)
        joint = run(streams.joint(stream), base, args.seeds - 1, args.epochs)
        print(f"{kind:9}all tasks at once, internal variable, one seed: {joint.average_accuracy:.3f}", flush=True)


def main(args: Args) -> None:
    forgetting(args) if args.what == "forgetting" else one_task(args)


if __name__ == "__main__":
    main(tyro.cli(Args))
