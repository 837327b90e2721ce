"""The usual baselines on split MNIST, against a published table: do ours reach its numbers?

Anchor: Hsu, Liu, Ramasamy & Kira 2018, arXiv:1810.12488, table 2 (784-400-400, Adam 1e-3, mini-batches of 128, 4
epochs, 10 runs), domain- and class-incremental; the strengths are those of the authors' scripts, converted to our
equations (their EWC has no 1/2; their MAS takes the mean over the outputs where we sum). What differs from theirs: no
biases and initial weights from one uniform interval; images in [0, 1], unpadded; in the class scenario all ten outputs
compete from the start, theirs only those of the classes so far; the Fisher information takes the true label, theirs the
predicted one; MAS takes the size of the gradient of each sample, theirs of a mini-batch (so its Omega is larger here
and the strength is not theirs); an omega of SI below 0 counts as 0. LwF's strength is not in their scripts. Replay
draws one old sample for each new one out of a reservoir of 1000, also within a task; theirs repeats a memory of 1100
(their smaller one) balanced over tasks. Task-incremental, each task has two outputs of its own (part ``heads``); LwF
looks at the outputs of other tasks and cannot have them, and joint training tells no task. Gating by task (XdG) stands
there as the control that is told the task, with the two outputs of the domain stream.

``--quick``: the same methods on 300 of the 8x8 digits, 64-100-100, 2 epochs, one seed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from fusi_models.checks import count, one_of, some_of
from neuromorph.atomic import write_json
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Metaplasticity
from neuromorph.metrics import AccuracyMatrix
from neuromorph.snn.baselines import ControlConfig
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.study import JOINT, Cell, check_seeds, columns, run_study, several, spread, stacked

FEATURES = {"mnist": 784, "fashion-mnist": 784, "digits": 64}
STREAMS = {"domain": "split-", "class": "split-class-", "task": "split-task-"}
OUTPUTS = {"domain": 2, "class": 10, "task": 10}
HEADS = "heads:tasks=5"


@dataclass(frozen=True)
class Row:
    """A method: parts in words with the strengths of a scenario, and the published mean and deviation in percent.

    told: what it needs. published: the deviation is None where it is not known to us.
    """

    method: str
    scenario: str
    parts: tuple[str, ...] = ()
    told: str = "nothing"
    published: tuple[float, float | None] | None = None
    role: str = ""


BOUNDARY = "end of task"
TASK = "task, also in the test"
ROWS = (
    Row("fine-tuning", "domain", published=(55.16, 1.38)),
    Row("EWC", "domain", ("ewc:strength=200",), BOUNDARY, (58.85, 2.59)),
    Row("online EWC", "domain", ("online-ewc:strength=1400",), BOUNDARY, (57.33, 1.44)),
    Row("SI", "domain", ("si:strength=3000",), BOUNDARY, (64.76, 3.09)),
    Row("MAS", "domain", ("mas:strength=5000",), BOUNDARY, (68.57, 6.85)),
    Row("LwF", "domain", ("lwf",), BOUNDARY, (71.02, 1.26)),
    Row("replay", "domain", ("replay:capacity=1000",), "old samples", (95.16, 0.49)),
    Row("joint", "domain", told="all tasks at once", published=(98.59, None), role=JOINT),
    Row("fine-tuning", "class", published=(19.71, None)),
    Row("EWC", "class", ("ewc:strength=1200",), BOUNDARY, (19.80, None)),
    Row("online EWC", "class", ("online-ewc:strength=200",), BOUNDARY, (19.77, None)),
    Row("SI", "class", ("si:strength=600",), BOUNDARY, (19.67, None)),
    Row("MAS", "class", ("mas:strength=0.1",), BOUNDARY, (19.52, None)),
    Row("LwF", "class", ("lwf",), BOUNDARY, (24.17, None)),
    Row("replay", "class", ("replay:capacity=1000",), "old samples", (90.78, None)),
    Row("joint", "class", told="all tasks at once", published=(97.53, None), role=JOINT),
    Row("fine-tuning", "task", (HEADS,), TASK, (93.46, None)),
    Row("EWC", "task", (HEADS, "ewc:strength=200"), TASK, (97.70, None)),
    Row("online EWC", "task", (HEADS, "online-ewc:strength=800"), TASK, (98.04, None)),
    Row("SI", "task", (HEADS, "si:strength=300"), TASK, (98.56, None)),
    Row("MAS", "task", (HEADS, "mas:strength=0.5"), TASK, (99.22, None)),
    Row("replay", "task", (HEADS, "replay:capacity=1000"), f"{TASK}; old samples", (99.40, None)),
    Row("XdG, one layer of two outputs", "task", ("xdg:gated=0.8",), TASK),
)


@dataclass(frozen=True)
class Args:
    """Baselines on split MNIST."""

    data: str = "mnist"
    """mnist, fashion-mnist or digits; the published numbers are MNIST's."""
    hidden: tuple[int, ...] = (400, 400)
    """Hidden layers."""
    epochs: int = 4
    """Passes over each task."""
    batch: int = 128
    """Samples of an update."""
    lr: float = 1e-3
    """Adam's."""
    samples: int | None = None
    """Training samples of the data set at most; None takes all."""
    test_samples: int | None = None
    """Test samples of the data set at most."""
    importance_samples: int = 5000
    """Samples of a task whose gradients EWC and MAS take one by one."""
    scenarios: tuple[str, ...] = ("domain", "class", "task")
    """Some of domain, class and task."""
    seeds: int = 5
    """Runs."""
    jobs: int = 1
    """Runs at a time, each on its share of the processor."""
    quick: bool = False
    """Seconds in place of an hour; replaces what is said above but scenarios and jobs."""
    out: Path = Path("runs/baselines")
    """Folder of the table and of finished and unfinished runs, which go on when the same is asked again."""


QUICK = {"data": "digits", "hidden": (100, 100), "batch": 20, "importance_samples": 50, "seeds": 1}
QUICK |= {"samples": 300, "test_samples": 100, "epochs": 2}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    one_of("data", args.data, tuple(FEATURES))
    count("importance_samples", args.importance_samples)
    some_of("scenarios", args.scenarios, tuple(STREAMS))
    rows = [row for row in ROWS if row.scenario in args.scenarios]
    cells = [cell(args, row, seed) for row in rows for seed in range(args.seeds)]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="baselines")
    matrices = [stacked(found[n : n + args.seeds]) for n in range(0, len(found), args.seeds)]
    print(
        f"split {args.data}, {args.epochs} epochs, average accuracy in percent, mean +- sd over {several(args.seeds)}; "
        f"chance: domain and task 50, class 10; published: MNIST"
    )
    head = ("scenario", "method", "told", "average accuracy", "forgetting", "published", "within 2 sd")
    print(columns([head, *(line(args, row, m) for row, m in zip(rows, matrices, strict=True))]))
    content = [
        {"scenario": row.scenario, "method": row.method, "parts": row.parts, "told": row.told}
        | {"published": row.published, "accuracy": m.accuracy.tolist(), "baseline": m.baseline.tolist()}
        for row, m in zip(rows, matrices, strict=True)
    ]
    write_json(args.out / "baselines.json", {"data": args.data, "rows": content})


def cell(args: Args, row: Row, seed: int) -> Cell:
    stream = StreamWords(STREAMS[row.scenario] + args.data, 5, args.samples, args.test_samples)
    name = f"{row.scenario} {row.method} seed {seed}"
    return Cell(name, learner_of(args, row), stream, seed, args.epochs, row.role)


def learner_of(args: Args, row: Row) -> Callable[[int], ComposedLearner]:
    return partial(learner, args, row)


def learner(args: Args, row: Row, seed: int) -> ComposedLearner:
    """The full-precision network with plain Adam (m = 0 protects nothing) and the row's parts."""
    outputs = 2 if row.scenario == "task" and HEADS not in row.parts else OUTPUTS[row.scenario]
    sizes = (FEATURES[args.data], *args.hidden, outputs)
    rule = Metaplasticity(m=0.0, lr=args.lr, weight_decay=0.0, published_eps=False)
    limited = tuple(
        f"{part},samples={args.importance_samples}" if part.partition(":")[0] in ("ewc", "online-ewc", "mas") else part
        for part in row.parts
    )
    network = ControlConfig(sizes, binary=False, norm="none")
    return ComposedLearner(TrainingConfig(network, rule, args.batch, seed, parts=limited))


def line(args: Args, row: Row, matrix: AccuracyMatrix) -> tuple[str, ...]:
    accuracy = 100 * np.atleast_1d(matrix.average_accuracy)
    forgetting = spread(matrix.forgetting, "+-") if matrix.tasks > 1 else "-"
    mean, sd = row.published or (None, None)
    published = "-" if mean is None else f"{mean:.2f}" + (f" +- {sd:.2f}" if sd else "")
    inside = "-"
    if mean is not None and args.data == "mnist" and len(accuracy) > 1:
        width = 2 * (sd if sd is not None else accuracy.std(ddof=1))
        inside = "yes" if abs(accuracy.mean() - mean) <= width else f"no, by {accuracy.mean() - mean:+.1f}"
    return row.scenario, row.method, row.told, spread(matrix.average_accuracy, "+-"), forgetting, published, inside


if __name__ == "__main__":
    run_page(main, Args)
