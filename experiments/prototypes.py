"""Ten classes in five tasks, one pass, no replay, no boundary told: prototypes in binary synapses.

Class-incremental: the classes 0 and 1 first, then 2 and 3, ..., ten outputs from the start. Beside the prototypes: the
delta rule, which no synapse protects here, on pixels and on the same features; Lava's own continually learning
prototypes, which keep samples (their threshold of novelty was chosen on training images of MNIST that were not among
the learned); and what real numbers reach, the nearest class mean and the streaming discriminant (a covariance of all
features) on more features. Last, fewer samples on all substrates, with the same seed: the deterministic synapse and
Lava's prototypes have the same numbers on each, on Lava in its integers as torch has them with these.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fusi_models import SynapseModel
from fusi_models.catalogue import learning_synapse
from fusi_models.checks import one_of
from fusi_models.models.integer import fixed_point
from neuromorph.atomic import write_json
from neuromorph.learner import Learner
from neuromorph.learners import BrianLearner, LavaLearner, TorchLearner
from neuromorph.learners.clp import Clp, ClpLearner, LavaClpLearner
from neuromorph.learners.discriminant import DiscriminantLearner
from neuromorph.local_rule.codes import Winners
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.prototypes import Prototypes
from neuromorph.local_rule.rule import LocalRule
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread, stacked

INPUTS = {"digits": 64}
CLASSES = 10


@dataclass(frozen=True)
class Args:
    """Class-incremental learning with prototypes."""

    data: tuple[str, ...] = ("mnist", "fashion-mnist")
    """mnist, fashion-mnist, kmnist, usps or digits."""
    synapses: tuple[str, ...] = ("plain:q=0.01", "hidden:m=0,step=0.003")
    """Synapses of the prototypes, as ``neuromorph compare`` names them."""
    features: int = 1000
    """Units of the random projection."""
    more_features: int = 4000
    """The same, for the references in real numbers."""
    units: int = 10
    """Units a class."""
    samples: int | None = 20_000
    """Training samples of a data set at most; None takes all."""
    test_samples: int | None = None
    """Test samples of a data set at most."""
    seeds: int = 5
    """Seeds: of the projection, the first states, the order of samples and all chance."""
    shrinkage: float = 0.01
    """Of the discriminant."""
    few: int = 2000
    """Training samples of the comparison of substrates; 0 leaves it out."""
    few_tested: int = 1000
    """Its test samples."""
    only: tuple[str, ...] = ()
    """Only the learners whose name holds one of these words."""
    jobs: int = 1
    """Runs at a time."""
    quick: bool = False
    """Three minutes: digits, two seeds."""
    out: Path = Path("runs/prototypes")
    """Folder of the table and of finished runs."""


QUICK = {"data": ("digits",), "samples": None, "seeds": 2, "features": 300, "more_features": 500, "few": 200}


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is called, and its learner as a function of inputs and seed."""

    name: str
    build: Callable[[int, int], Learner]
    few: bool = False


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    rows = rows_of(args)
    for word in args.only:
        if not any(word in row.name for row in rows):
            one_of("only", word, [row.name for row in rows])
    rows = [row for row in rows if not args.only or any(word in row.name for word in args.only)]
    table = [(data, row) for data in args.data for row in rows]
    cells = [cell(args, data, row, seed) for data, row in table for seed in range(1 if row.few else args.seeds)]
    results = iter(run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="prototypes"))
    lines, content = [], []
    for data, row in table:
        matrix = stacked([next(results) for _ in range(1 if row.few else args.seeds)])
        last = [f"{100 * value:.0f}" for value in matrix.accuracy[-1].mean(-1)]
        lines.append((data, row.name, spread(matrix.average_accuracy, "+-"), spread(matrix.forgetting, "+-"), *last))
        content.append({"data": data, "name": row.name, "accuracy": matrix.accuracy.tolist()})
    print(f"split-class, one pass, percent, mean +- sd of {several(args.seeds)} (few samples: one seed); chance 10")
    print(columns([("data", "learner", "accuracy", "forgetting", *(f"task {k}" for k in range(1, 6))), *lines]))
    write_json(args.out / "prototypes.json", content)


def rows_of(args: Args) -> list[Row]:
    code, more = Winners(args.features), Winners(args.more_features)
    rule = Prototypes(units_per_class=args.units, code=code)
    first = learning_synapse(args.synapses[0])
    rows = [Row(f"prototypes, {text}", partial(torch, learning_synapse(text), rule)) for text in args.synapses]
    spikes = replace(rule, num_steps=16, beta=4095 / 4096, threshold_scale=2.0, readout="spikes")
    rows.append(Row(f"most spikes of 16 steps, {args.synapses[0]}", partial(torch, first, spikes)))
    rows.append(Row(f"delta rule, {args.synapses[0]}, pixels", partial(torch, first, LocalRule())))
    rows.append(Row(f"delta rule, {args.synapses[0]}, features", partial(torch, first, LocalRule(code=code))))
    rows.append(Row("Lava's CLP, in numpy", partial(clp, ClpLearner, code)))
    rows.append(Row("nearest class mean", partial(discriminant, code, 1.0)))
    for many in (code, more):
        rows.append(Row(f"discriminant, {many.features} features", partial(discriminant, many, args.shrinkage)))
    return rows + (few(args, rule) if args.few else [])


def few(args: Args, rule: LayerRule) -> list[Row]:
    """The comparison of substrates."""
    rows = [
        Row(f"few samples, Lava's CLP, {where}", partial(clp, kind, Winners(args.features)), True)
        for where, kind in (("in numpy", ClpLearner), ("on Lava", LavaClpLearner))
    ]
    for text in args.synapses:
        model = learning_synapse(text)
        rows += [
            Row(f"few samples, {text}, torch", partial(torch, model, rule), True),
            Row(f"few samples, {text}, brian2", partial(brian, model, rule), True),
            Row(f"few samples, {text}, floating lava", partial(lava, "float", model, rule), True),
            Row(f"few samples, {text}, torch in integers", partial(torch, fixed_point(model), rule), True),
            Row(f"few samples, {text}, lava", partial(lava, "fixed", model, rule), True),
        ]
    return rows


def torch(synapse: SynapseModel, rule: LayerRule, inputs: int, seed: int) -> Learner:
    return TorchLearner(synapse, inputs, CLASSES, rule, seed)


def brian(synapse: SynapseModel, rule: LayerRule, inputs: int, seed: int) -> Learner:
    return BrianLearner(synapse, inputs, CLASSES, rule, seed)


def lava(arithmetic: str, synapse: SynapseModel, rule: LayerRule, inputs: int, seed: int) -> Learner:
    return LavaLearner(synapse, inputs, CLASSES, rule, seed, arithmetic)


def clp(kind: type[Clp], code: Winners, inputs: int, seed: int) -> Learner:
    return kind(inputs, CLASSES, code, seed=seed)


def discriminant(code: Winners, shrinkage: float, inputs: int, seed: int) -> Learner:
    return DiscriminantLearner(inputs, CLASSES, code, shrinkage, seed)


def cell(args: Args, data: str, row: Row, seed: int) -> Cell:
    size = (args.few, args.few_tested) if row.few else (args.samples, args.test_samples)
    learner = partial(row.build, int(INPUTS.get(data, 784)))
    stream = StreamWords(f"split-class-{data}", 5, *size)
    return Cell(f"{data} {row.name} seed {seed}", learner, stream, seed, threads=1)


if __name__ == "__main__":
    run_page(main, Args)
