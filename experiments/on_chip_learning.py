"""Learning inside the Lava graph against the torch learner, on the same stream: accuracy, states, throughput.

(a) Lava's own LearningDense with the staircase rule; (b) our process with an integer hidden weight, rounded to the
nearest level or by chance; (c) our process with cascade synapses and with a counted Benna-Fusi chain. Where nothing is
random the states must be equal one by one; elsewhere the paired difference of accuracies must be within its error,
and occupancies of the states must differ no more between torch and Lava than between two seeds of torch.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusi_models import BennaFusi, HiddenWeight, SynapseModel, cascade
from fusi_models.models.integer import IntegerHiddenWeight, fixed_point
from fusi_models.models.staircase import closest_staircase
from neuromorph import streams
from neuromorph.atomic import write_json
from neuromorph.learners.lava import LavaLearner
from neuromorph.learners.lava_stock import StockLavaLearner
from neuromorph.learners.local import LocalLearner
from neuromorph.learners.torch import TorchLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.run import learn_stream
from neuromorph.stopping import run_page
from neuromorph.tables import deviation


@dataclass(frozen=True)
class Args:
    """Compare the three ways of learning on the chip with torch."""

    stream: str = "permuted-digits"
    """KIND-DATA as in ``neuromorph compare``."""
    tasks: int = 3
    """Tasks of the stream."""
    samples: int = 200
    """Training samples a task."""
    test_samples: int = 200
    """Test samples a task."""
    seeds: int = 4
    """Seeds of permutations, initial states, order and chance."""
    m: float = 5.0
    """Metaplasticity of the hidden weight and of its closest staircase."""
    units: int = 10
    """Units a class."""
    out: Path = Path("runs/on_chip_learning.json")
    """Where the numbers go."""


def main(args: Args) -> None:
    hidden = HiddenWeight(args.m)
    staircase, distance = closest_staircase(hidden, 4)
    print(f"staircase closest to 1 - tanh^2({args.m:g} |h|): {staircase.steps} at {staircase.thresholds}, ", end="")
    print(f"off by {distance:.3f} at most")
    rows: list[tuple[str, SynapseModel, type[LocalLearner]]] = [
        ("a  stock LearningDense", staircase, StockLavaLearner),
        ("b  nearest level, 12 bits", IntegerHiddenWeight(hidden, 12), LavaLearner),
        ("b  by chance, 6 bits", IntegerHiddenWeight(hidden, 6, stochastic=True), LavaLearner),
        ("c  cascade", cascade(5).slowed(0.1), LavaLearner),
        ("c  Benna-Fusi chain", BennaFusi(4, values=(24, 24, 24, 24), binary=True), LavaLearner),
    ]
    head = f"{'':28}{'torch ACC':>16}{'Lava ACC':>16}{'Lava - torch':>18}{'torch forg.':>16}{'Lava forg.':>16}"
    print(f"\n{head}{'states equal':>14}{'occupancy':>14}{'samples/s':>11}")
    results = []
    for label, synapse, kind in rows:
        torch, lava = (measure(args, synapse, one) for one in (TorchLearner, kind))
        equal = "random" if synapse.stochastic else f"{sum(map(np.array_equal, torch[1], lava[1]))} of {args.seeds}"
        spread = [f"{v.mean():.3f} +- {deviation(v):.3f}" for run in (0, 1) for v in (torch[0][run], lava[0][run])]
        gap = lava[0][0] - torch[0][0]
        error = deviation(gap) / args.seeds**0.5
        occupancy = apart(torch[1], lava[1]), apart(torch[1], torch[1][1:] + torch[1][:1])
        spread.insert(2, f"{gap.mean():+.3f} (se {error:.3f})")
        print(f"{label:28}{''.join(f'{text:>{18 if k == 2 else 16}}' for k, text in enumerate(spread))}", end="")
        print(f"{equal:>14}{f'{occupancy[0]:.3f} / {occupancy[1]:.3f}':>14}{lava[2]:>11.0f}")
        results.append(
            {
                "way": label,
                "synapse": synapse.name,
                "states_equal": equal,
                "occupancy_torch_lava_and_torch_other_seed": occupancy,
                "samples_per_second": lava[2],
                "torch_acc_forgetting": torch[0].tolist(),
                "lava_acc_forgetting": lava[0].tolist(),
            }
        )
    print("\noccupancy: total variation between the states of torch and Lava / of torch and torch with another seed")
    write_json(args.out, results)


def apart(some: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Mean total variation of the occupancies of two lists of states (of a chain, of its first variable)."""
    each = []
    for a, b in zip(some, others, strict=True):
        a, b = (s.reshape(s.shape[0] * s.shape[1], s.shape[2], -1)[..., 0].ravel() for s in (a, b))
        place = np.unique(np.concatenate([a, b]), return_inverse=True)[1].ravel()
        counts = [np.bincount(part, minlength=place.max() + 1) / len(a) for part in np.split(place, 2)]
        each.append(abs(counts[0] - counts[1]).sum() / 2)
    return float(np.mean(each))


def measure(args: Args, synapse: SynapseModel, kind: type[LocalLearner]) -> tuple[np.ndarray, list[np.ndarray], float]:
    """(ACC, forgetting) [2, seed], the final states of each seed, and samples learned per second."""
    scores, states = [], []
    for seed in range(args.seeds):
        stream = streams.by_name(args.stream, args.tasks, seed, args.samples, args.test_samples)
        rule = LocalRule(units_per_class=args.units)
        learner = kind(fixed_point(synapse), int(np.prod(stream.shape)), stream.outputs, rule, seeds=seed)
        matrix = learn_stream(learner, stream, 1, seed, label=f"{kind.__name__} {synapse.name} seed {seed}")
        scores.append((matrix.average_accuracy, matrix.forgetting))
        states.append(np.array(learner.states()))
    x, y = stream[0].train
    begun = time.perf_counter()
    learner.partial_fit(x, y)
    return np.array(scores).T, states, len(x) / (time.perf_counter() - begun)


if __name__ == "__main__":
    run_page(main, Args)
