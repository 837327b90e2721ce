"""``neuromorph benchmark``: learning systems x task streams, what they reach and what they take; tables and a page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from fusi_models.checks import check_widths, count
from neuromorph.atomic import read_json, write_json, write_text
from neuromorph.folder import claim, finished
from neuromorph.learner import Learner
from neuromorph.learners.methods import TOLD, LearnerWords
from neuromorph.outputs import alone, check_folder
from neuromorph.streams import Stream, StreamWords
from neuromorph.streams.words import limits, task_count
from neuromorph.study import JOINT, Cell, Result, check_jobs, check_seeds, columns, run_study, spread, stacked
from neuromorph.tables import tenth
from neuromorph.threads import check

SCHEMA = 1
SUITES = {
    "digits": ("permuted-digits@5", "split-digits@5", "split-class-digits@5", "split-task-digits@5"),
    "mnist": (
        "permuted-mnist@10",
        "split-mnist@5",
        "split-class-mnist@5",
        "split-task-mnist@5",
        "split-fashion-mnist@5",
        "sequence-mnist+fashion-mnist@2",
        "subsets-fashion-mnist@60",
    ),
}
METRICS = ("average_accuracy", "learning_accuracy", "forgetting", "backward_transfer")
COSTS = ("state", "weights", "replay", "accumulates", "multiply_accumulates", "spikes", "seconds")
HEAD: tuple[str, ...] = (
    "stream",
    "learner",
    "told",
    "ACC (%)",
    "LA (%)",
    "forgetting (%)",
    "BWT (%)",
    "state (B/synapse)",
    "weights (B/synapse)",
    "replay (B)",
)
HEAD += ("accumulates", "multiply-accumulates", "spikes", "seconds")
COUNTED = 200  # test samples whose operations are counted


@dataclass(frozen=True)
class BenchmarkArgs:
    """Run learning systems on task streams: accuracy, forgetting, memory, operations, and what each has to be told.

    A folder that already holds finished cells of the same benchmark is completed, not begun again.
    """

    suite: Literal["digits", "mnist"] = "digits"
    """Streams of 8x8 digits (minutes), or the usual ones: permuted MNIST, split MNIST in three scenarios, split
    Fashion-MNIST, MNIST then Fashion-MNIST, Fashion-MNIST in 60 parts."""
    streams: tuple[str, ...] = ()
    """KIND-DATA@TASKS in place of the suite's: permuted-mnist@10  split-class-mnist@5  rotated-digits:degrees=15@6."""
    learners: tuple[str, ...] = (
        "real",
        "real+ewc:strength=1000",
        "real+si:strength=10,damping=0.001",
        "real+replay:capacity=200",
        "deep:m=0",
        "deep:m=4",
        "deep:m=0+ewc:strength=10",
        "snntorch/hidden",
        "snntorch/cascade",
    )
    """METHOD[:KEY=VALUE,...][+PART[:KEY=VALUE,...]]... with the methods real (Adam, full precision), binary (without
    spikes), deep (as of train) and more (a wrong word lists them) and the parts of train; or SUBSTRATE/SYNAPSE, as of
    compare."""
    seeds: int = 3
    """How many seeds: of permutations, initial states, order of samples."""
    samples: int = 0
    """Training samples a data set at most; 0 takes all."""
    test_samples: int = 0
    """Test samples a data set at most; 0 takes all."""
    epochs: int = 1
    """Passes over each task's samples, for every learner."""
    hidden: tuple[int, ...] = (200, 200)
    """Hidden layers of the networks that have some."""
    joint: bool = True
    """Also train each network without parts on all tasks at once."""
    out: Path = Path("runs/benchmark")
    """Folder for config.json, results.json, benchmark.md, .csv, .tex, the figure and report.html."""
    device: str = "cpu"
    """Where torch computes, in every learner that has it: cpu or cuda."""
    jobs: int = 1
    """Cells at a time, with the same numbers but for what ``threads`` says; -1: as many as there are cores."""
    threads: int = 0
    """Threads of torch in a cell, never more than its share of the cores; 0: one for networks with layers narrower than
    500, else all. Another number may change the last bit of sums."""
    scheduler: str = ""
    """tcp://HOST:PORT of a Dask scheduler whose workers compute (docs/cluster.md)."""


@dataclass(frozen=True)
class Measured(Cell):
    """A cell that also keeps what the learner takes."""

    def fingerprint(self) -> Mapping[str, Any]:
        return {**super().fingerprint(), "counted": COUNTED}

    def measured(self, learner: Learner, stream: Stream) -> dict[str, Any]:
        """Bytes of state and of stored samples; operations and spikes an inference of the last task's test samples."""
        if "test task" in learner.needs:
            learner.begin_test(len(stream) - 1)
        cost, replay = learner.cost(stream[-1].test[0][:COUNTED]), learner.replay_bytes
        found = dict.fromkeys(COSTS[:-1], math.nan) | {"replay": replay}
        if cost:
            found["state"] = (nbytes(learner.state_dict()) - replay) / cost.synapses
            found["weights"] = cost.weight_bytes / cost.synapses
            found |= {name: getattr(cost, name) for name in ("accumulates", "multiply_accumulates", "spikes")}
        return {name: np.array(float(value)) for name, value in found.items()}


def nbytes(value: Any) -> int:
    """Of all arrays and tensors of a state.

    >>> nbytes({"a": [np.zeros(3)], "b": torch.ones(2), "c": "text"})
    32
    """
    if isinstance(value, Mapping):
        return sum(map(nbytes, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(nbytes, value))
    return int(value.nbytes) if isinstance(value, (np.ndarray, torch.Tensor)) else 0


@dataclass(frozen=True)
class Row:
    """A learner on a stream, a cell a seed."""

    stream: StreamWords
    scenario: str
    outputs: int
    learner: str
    role: str
    needs: frozenset[str]
    cells: tuple[Measured, ...]


def benchmark(args: BenchmarkArgs) -> None:
    """Run what is not there yet, print the table, write the page.

    Raises ``ValueError`` or ``OSError`` with one sentence for a mistake; everything finished stays in ``args.out``.
    """
    check_seeds(args.seeds)
    count("epochs", args.epochs)
    check(args.threads)
    if not args.learners:
        raise ValueError("Name at least one learner.")
    check_widths("hidden", args.hidden)
    check_jobs(args.jobs)
    rows = [row for words in _streams(args) for row in _rows(args, words)]
    if not rows:
        raise ValueError(f"None of {', '.join(args.learners)} can have outputs a task, which split-task- streams need.")
    check_folder(args.out)
    with alone(args.out):
        _benchmark(args, rows)


def kept(args: BenchmarkArgs) -> bool:
    """Whether the next call goes on from something."""
    return finished(args.out)


def _benchmark(args: BenchmarkArgs, rows: "Sequence[Row]") -> None:
    written = ("report.html", "benchmark.md", "benchmark.csv", "benchmark.tex")
    claim(args.out, args, ("out", "jobs", "threads", "scheduler"), "benchmark", written)
    cells = [cell for row in rows for cell in row.cells]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, args.scheduler, title="benchmark")
    results = [found[n * args.seeds : (n + 1) * args.seeds] for n in range(len(rows))]
    content: dict[str, Any] = {"schema": SCHEMA, "seeds": args.seeds, "epochs": args.epochs}
    content["rows"] = [_entry(row, some) for row, some in zip(rows, results, strict=True)]
    write_json(args.out / "results.json", content)
    write_tables(args.out, content)
    print(heading(content) + "\n")
    print(columns(lines(content)))
    for stream in dict.fromkeys(row.stream.name for row in rows):
        there = {row.learner for row in rows if row.stream.name == stream}
        gone = [text for text in dict.fromkeys(args.learners) if text not in there]
        if gone:
            print(f"\nLeft out of {stream}, as they cannot have outputs a task: {', '.join(gone)}.")
    print(f"\n{args.out / 'report.html'} shows the figure; benchmark.md, .csv, .tex and results.json lie beside it.")


def _streams(args: BenchmarkArgs) -> list[StreamWords]:
    found = []
    for text in args.streams or SUITES[args.suite]:
        name, _, tasks = text.rpartition("@")
        if not name or not tasks.isdigit():
            raise ValueError(f"'{text}' does not say how many tasks: write KIND-DATA@TASKS, permuted-mnist@10.")
        if (has := task_count(name, int(tasks))) != int(tasks):
            raise ValueError(f"The stream '{name}' has {has} tasks: write {name}@{has}.")
        found.append(StreamWords(name, int(tasks), *limits(args.samples, args.test_samples)))
    return found


def _rows(args: BenchmarkArgs, words: StreamWords) -> list[Row]:
    stream = words(0)
    told = stream.scenario == "task"
    sizes = (int(np.prod(stream.shape)), *args.hidden, stream.outputs)

    def row(text: str, role: str = "") -> Row:
        learner = LearnerWords(text, sizes, len(stream) if told else 0, args.device)
        name = f"{words.name} {text} {role}".strip()
        each = (args.epochs, role, args.threads)
        cells = (Measured(f"{name} seed {s}", learner, words, s, *each) for s in range(args.seeds))
        return Row(words, stream.scenario, stream.outputs, text, role, learner(0).needs, tuple(cells))

    asked = [
        text for text in dict.fromkeys(args.learners) if not told or LearnerWords(text, sizes, 0, args.device).separable
    ]
    bases = dict.fromkeys(text.partition("+")[0] for text in asked)
    return [*map(row, asked), *(row(base, JOINT) for base in bases if args.joint and not told)]


def _entry(row: Row, results: Sequence[Result]) -> dict[str, Any]:
    matrix = stacked(results)
    taken = {name: float(np.mean([r.arrays[name] for r in results])) for name in COSTS[:-1]}
    return {
        "stream": row.stream.name,
        "tasks": row.stream.tasks,
        "scenario": row.scenario,
        "chance": 1 / row.outputs,
        "learner": row.learner,
        "role": row.role,
        "told": [TOLD[need] for need in sorted(row.needs)],
        "metrics": {name: getattr(matrix, name).tolist() for name in METRICS},
        "accuracy": matrix.accuracy.tolist(),
        "baseline": matrix.baseline.tolist(),
        "costs": {k: None if math.isnan(v) else v for k, v in taken.items()}
        | {"seconds": float(np.mean([r.seconds for r in results]))},
    }


def heading(content: Mapping[str, Any]) -> str:
    """What was run, and how the columns are meant, in words."""
    return (
        f"Epochs a task: {content['epochs']}, seeds: {content['seeds']} (mean \u00b1 sd, percent); settings as named, "
        "not tuned here. State: bytes (B) a synapse while learning; weights: as they are multiplied, packed. "
        "Operations and spikes an inference as NeuroBench counts them. Seconds a seed, beside whatever else ran."
    )


def lines(content: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table as text: a line a row, and chance for each stream."""
    table: list[tuple[str, ...]] = [HEAD]
    for k, row in enumerate(content["rows"]):
        joint, costs = row["role"] == JOINT, row["costs"]
        numbers = ["" if joint and name != METRICS[0] else spread(row["metrics"][name]) for name in METRICS]
        shown = ["" if costs[name] is None else _short(costs[name]) for name in COSTS]
        told = "all tasks at once" if joint else ", ".join(row["told"]) or "nothing"
        name = f"{row['stream']}@{row['tasks']} ({row['scenario']})"
        table.append((name, f"{row['learner']} {row['role']}".strip(), told, *numbers, *shown))
        following = content["rows"][k + 1 :][:1]
        if not following or any(following[0][key] != row[key] for key in ("stream", "tasks")):
            empty = [""] * (len(HEAD) - 4)
            table.append((name, "chance", "", tenth(100 * row["chance"]), *empty))
    return table


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def write_tables(folder: Path, content: Mapping[str, Any]) -> None:
    """benchmark.md, .csv and .tex, the figure and report.html."""
    from neuromorph.commands.report import write_benchmark

    table = lines(content)
    marked = [f"| {' | '.join(line)} |" for line in table]
    marked.insert(1, "|" + "---|" * len(HEAD))
    write_text(folder / "benchmark.md", "\n".join([heading(content), "", *marked, ""]))
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in table)
    write_text(folder / "benchmark.csv", "\n".join([*quoted, ""]))
    set_ = [" & ".join(map(_tex, line)) + r" \\" for line in table]
    body = [r"\begin{tabular}{" + "l" * len(HEAD) + "}", r"\hline", set_[0], r"\hline", *set_[1:], r"\hline"]
    write_text(folder / "benchmark.tex", "\n".join([*body, r"\end{tabular}", ""]))
    write_benchmark(
        folder,
        content,
        heading(content),
        table,
        read_json(folder / "config.json", ["arguments"], "run the command again."),
    )


def _tex(cell: str) -> str:
    written = {"\\": r"\textbackslash{}", "\u00b1": r"$\pm$", "~": r"\~{}", **{c: f"\\{c}" for c in "_%&#"}}
    for old, new in written.items():
        cell = cell.replace(old, new)
    return cell
