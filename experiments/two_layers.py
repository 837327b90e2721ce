"""Two plastic layers on the chip: a hidden layer taught by fixed random feedback, against one left as it was drawn.

Permuted tasks one after another, no boundary told; without and with metaplasticity. The numbers are those of the numpy
learner; at the end the Lava graph learns part of the stream and its states are compared one by one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusi_models import HiddenWeight
from neuromorph import streams
from neuromorph.atomic import write_json
from neuromorph.learners.feedback import FeedbackLearner, LavaFeedbackLearner
from neuromorph.local_rule.random_feedback import Feedback
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream
from neuromorph.stopping import run_page
from neuromorph.tables import deviation

FROZEN = 10_000  # a margin that no fed-back error exceeds


@dataclass(frozen=True)
class Args:
    """A hidden layer that learns against one that does not."""

    stream: str = "permuted-digits"
    """KIND-DATA as in ``neuromorph compare``."""
    tasks: int = 3
    """Tasks of the stream."""
    samples: int = 600
    """Training samples a task."""
    epochs: int = 2
    """Passes over each task."""
    hidden: int = 40
    """Hidden neurons."""
    units: int = 10
    """Output units a class."""
    seeds: int = 3
    """Seeds."""
    ms: tuple[float, ...] = (0.0, 2.0)
    """Metaplasticity of both layers."""
    lava_samples: int = 100
    """Samples that the Lava graph learns too."""
    out: Path = Path("runs/two_layers.json")
    """Where the numbers go."""


def main(args: Args) -> None:
    results = []
    print(f"{'hidden layer':16}{'m':>5}{'first task':>18}{'ACC':>18}{'forgetting':>18}")
    for name, margin in (("left as drawn", FROZEN), ("learns", Feedback().margin)):
        for m in args.ms:
            runs = [
                learn_stream(build(FeedbackLearner, args, margin, m, seed), stream(args, seed), args.epochs, seed)
                for seed in range(args.seeds)
            ]
            rows = [[r.accuracy[0, 0] for r in runs], [r.average_accuracy for r in runs], [r.forgetting for r in runs]]
            print(f"{name:16}{m:5g}" + "".join(f"{f'{np.mean(v):.3f} +- {deviation(v):.3f}':>18}" for v in rows))
            results.append({"hidden": name, "m": m, "first": rows[0], "acc": rows[1], "forgetting": rows[2]})
    ours, lava = (build(kind, args, Feedback().margin, 2.0, 0) for kind in (FeedbackLearner, LavaFeedbackLearner))
    x, y = stream(args, 0)[0].train
    for learner in (ours, lava):
        learner.partial_fit(x[: args.lava_samples], y[: args.lava_samples])
    differing = [int((a != b).sum()) for a, b in zip(ours.states, lava.states, strict=True)]
    print(f"Lava after {args.lava_samples} samples: states that differ from numpy, by layer: {differing}")
    write_json(args.out, results)


def stream(args: Args, seed: int) -> streams.Stream:
    return streams.by_name(args.stream, args.tasks, seed, args.samples, 200)


def build(kind: type[FeedbackLearner], args: Args, margin: int, m: float, seed: int) -> FeedbackLearner:
    first = stream(args, seed)
    synapses = HiddenWeight(m, 0.002), HiddenWeight(m)
    rule = LocalRule(units_per_class=args.units)
    return kind(synapses, int(np.prod(first.shape)), args.hidden, first.outputs, rule, Feedback(margin, seed), seed)


if __name__ == "__main__":
    run_page(main, Args)
