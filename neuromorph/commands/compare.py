"""``neuromorph compare``: synapse models x substrates on one task stream; a table and a page."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fusi_models import HiddenWeight, SynapseModel
from fusi_models.catalogue import learning_synapse
from fusi_models.checks import check_widths, count, finite, one_of
from fusi_models.synapse import FreshChain, find
from fusi_models.theory.transient import transient_curve
from neuromorph import streams
from neuromorph.atomic import read_json, write_arrays, write_json
from neuromorph.commands.report import table, write_report
from neuromorph.folder import claim, finished
from neuromorph.lava import INSTALL, installed
from neuromorph.learner import Learner, described
from neuromorph.learners.methods import RULES, SUBSTRATES, TOLD, Substrate
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.rule import LocalRule
from neuromorph.metrics import AccuracyMatrix, memory_signal
from neuromorph.outputs import alone, check_folder
from neuromorph.streams import Stream, StreamWords
from neuromorph.streams.words import limits
from neuromorph.study import JOINT, Cell, Job, Result, ahead, check_jobs, check_seeds, run_study, stacked
from neuromorph.threads import check as check_threads

SCHEMA = 1
COMPILED_FROM = 10_000_000  # pixels presented in all: from here Brian2's compilation pays
BRIAN_TARGETS = ("auto", "numpy", "cython", "cpp_standalone")
METRICS = ("average_accuracy", "learning_accuracy", "forgetting", "backward_transfer", "forward_transfer")

# Memory curves: so many synapses, patterns tracked, and later patterns.
POPULATION, TRACKED = 10_000, 100
LAGS = np.array([0, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200])


@dataclass(frozen=True)
class CompareArgs:
    """Run synapse models on several substrates over the same task stream, and write a table and a page.

    A folder that already holds finished cells of the same comparison is completed, not begun again.
    """

    stream: str = "permuted-digits"
    """KIND-DATA, for example permuted-mnist, rotated-digits:degrees=15, split-mnist, split-class-mnist,
    subsets-fashion-mnist, sequence-mnist+fashion-mnist."""
    substrates: tuple[str, ...] = ("brian2", "snntorch", "lava")
    """Any of brian2, snntorch, lava (the chip's integers), lava-float; Lava is left out where it is not installed."""
    synapses: tuple[str, ...] = ("plain", "cascade", "hidden")
    """NAME or NAME:KEY=VALUE,..., in the regime "local", where a part of the events is accepted: plain (q=0.03),
    cascade (depth=5, x=0.5, rate=0.1), multistate (states=10, q=1, rate=0.1), serial (states=10, eps=0.1, rate=0.1),
    hidden (m=2, step=0.02, bound=1, leak=0), uncertain (window=20, lr=0.08, ...), benna-fusi (levels=4, values=16,
    binary=1); NAME@theory takes the numbers of memory-curve; or file:PATH, a chain as of memory-curve. What they show
    the network must be -1 and +1."""
    rule: str = "delta"
    """The local rule: delta (corrects errors) or prototypes (each class in synapses of its own, for class-incremental
    streams; the delta rule then stands for no protection)."""
    seeds: int = 3
    """How many seeds: of permutations, initial states, order of samples."""
    tasks: int = 5
    """How many tasks the stream has (a sequence has one for each data set)."""
    samples: int = 600
    """Training samples a data set at most; 0 takes all."""
    test_samples: int = 200
    """Test samples a data set at most; 0 takes all."""
    epochs: int = 1
    """Passes over each task's samples, local rule."""
    deep: bool = True
    """Also train the deep binarized spiking network, without and with metaplasticity."""
    deep_epochs: int = 5
    """Passes over each task's samples, deep network."""
    deep_hidden: tuple[int, ...] = (200, 200)
    """Hidden layers of the deep network."""
    deep_m: float = 4.0
    """Metaplasticity of the deep network, relative to the mean hidden weight of a layer; m = 0 is always run."""
    deep_parts: tuple[str, ...] = ()
    """What to add to the deep network with m = 0, a row each: ewc:strength=10, si:strength=10,damping=0.001,
    replay:capacity=500 and the other parts of train (docs/learners.md), several in one row joined by +. The page
    says what each is told."""
    out: Path = Path("runs/compare")
    """Folder for config.json, results.json, the matrices, the figures and report.html."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""
    brian_target: str = "auto"
    """How Brian2 computes: numpy, cython (compiles once, a minute a synapse), cpp_standalone (compiles at every call);
    auto takes cython for large streams."""
    jobs: int = 1
    """Cells at a time, with the same numbers but for what ``threads`` says; -1: as many as there are cores."""
    threads: int = 0
    """Threads of torch in a cell of the deep network, never more than its share of the cores; 0: one for hidden layers
    narrower than 500, else all. Another number may change the last bit of the deep network's sums."""
    scheduler: str = ""
    """tcp://HOST:PORT of a Dask scheduler whose workers compute (docs/cluster.md)."""


WAYS = ("out", "jobs", "threads", "scheduler")
"""Arguments that change no number."""
UNPROTECTED = "no protection"


@dataclass(frozen=True)
class Local:
    """A learner of a local rule as a function of its seeds."""

    synapse: SynapseModel
    substrate: Substrate
    inputs: int
    classes: int
    rule: LayerRule = LocalRule()

    def __call__(self, seeds: tuple[int, ...]) -> Learner:
        return self.substrate.learner(self.synapse, self.inputs, self.classes, seeds, self.rule)


@dataclass(frozen=True)
class Deep:
    """The deep network as a function of its seed."""

    sizes: tuple[int, ...]
    m: float
    device: str
    parts: tuple[str, ...] = ()

    def __call__(self, seed: int) -> Learner:
        module = import_module("neuromorph.learners.deep")
        return module.DeepLearner(
            module.DeepConfig(sizes=self.sizes, m=self.m, seed=seed, device=self.device, parts=self.parts)
        )


@dataclass(frozen=True)
class Row:
    """One row of the table, and the cells that measure it: one of all seeds side by side, or one a seed."""

    synapse: str
    substrate: str
    role: str
    cells: tuple[Cell, ...]

    @property
    def matrix_name(self) -> str:
        """Prefix in matrices.npz."""
        return "_".join([self.synapse, self.substrate, self.role]).translate(_PLAIN)


_PLAIN = str.maketrans(dict.fromkeys(" ,:()/", "_"))


@dataclass(frozen=True)
class MemoryCell(Job):
    """The memory curve of a synapse on a substrate, on a stream of random patterns."""

    name: str
    synapse: SynapseModel
    substrate: Substrate
    population: int
    lags: tuple[int, ...]
    tracked: int
    threads: int = 0

    def fingerprint(self) -> Mapping[str, Any]:
        return {"memory": described("memory", **{f.name: getattr(self, f.name) for f in fields(self)[1:]})}

    def compute(self, unfinished: Path | None, label: str, progress: bool) -> Result:
        begun, lags = time.perf_counter(), np.array(self.lags)
        patterns = streams.patterns(self.tracked + int(lags.max()), self.population, seed=0)
        events = np.concatenate([2 * task.train[0] - 1 for task in patterns]).astype(np.int8)
        efficacy = self.substrate.imported().imprint(self.synapse, events, seed=0, **self.substrate.options)
        signal, error = memory_signal(events, efficacy, lags, self.tracked)
        return Result({"signal": signal, "error": error}, time.perf_counter() - begun)


def compare(args: CompareArgs) -> None:
    """Run what is not there yet, print the table, write the page.

    Raises ``ValueError`` or ``OSError`` with one sentence for a mistake; everything finished stays in ``args.out``.
    """
    stream = _checked(args)
    args = _installed(args)
    rows, curves = _rows(args, stream), _memory_cells(args, stream)
    jobs = args.jobs if args.jobs != 1 else None
    check = partial(_check_learners, [row.cells[0] for row in rows])
    ahead(check, None if args.scheduler or kept(args) else jobs)
    check_folder(args.out)
    with alone(args.out):
        _compare(args, rows, curves, stream, jobs)


def _check_learners(cells: Sequence[Cell]) -> None:
    """A learner that cannot be built says so before hours of others."""
    for cell in cells:
        cell.learner(cell.seeds)


def kept(args: CompareArgs) -> bool:
    """Whether the next call goes on from something."""
    return finished(args.out)


def _compare(
    args: CompareArgs, rows: Sequence[Row], curves: Sequence[MemoryCell], stream: Stream, jobs: int | None
) -> None:
    claim(args.out, args, WAYS, "comparison", ("report.html", "matrices.npz", "memory.json"))
    cells: list[Job] = [*(cell for row in rows for cell in row.cells), *curves]
    results = run_study(cells, args.out, jobs, args.scheduler)
    by_cell = dict(zip(map(id, cells), results, strict=True))
    memory = _memory(args, [by_cell[id(cell)] for cell in curves])
    _write(args, rows, [[by_cell[id(cell)] for cell in row.cells] for row in rows], stream, memory)
    write_report(args.out)
    print()
    print(table(read_json(args.out / "results.json", ["cells"], "run the command again.")))
    print(f"\n{args.out / 'report.html'} shows the figures; results.json, matrices.npz and config.json lie beside it.")


def _checked(args: CompareArgs) -> Stream:
    """The stream of the first seed, with every argument checked before anything runs."""
    for substrate in args.substrates:
        if substrate not in SUBSTRATES:
            raise ValueError(f"There is no substrate '{substrate}': choose any of {', '.join(SUBSTRATES)}.")
    if args.rule not in RULES:
        raise ValueError(f"There is no local rule '{args.rule}': choose one of {', '.join(RULES)}.")
    check_seeds(args.seeds)
    for name in ("epochs", "deep_epochs"):
        count(name.replace("_", "-"), getattr(args, name))
    one_of("brian-target", args.brian_target, BRIAN_TARGETS)
    check_threads(args.threads)
    check_jobs(args.jobs)
    if not args.substrates or not args.synapses:
        raise ValueError("Name at least one substrate and one synapse.")
    if args.deep:
        check_widths("deep-hidden", args.deep_hidden)
        finite("deep-m", args.deep_m, 0)
        _check_parts(args.deep_parts)
    elif args.deep_parts:
        raise ValueError("--deep-parts are of the deep network: leave out --no-deep, or the parts.")
    stream = _stream(args)(0)
    if stream.scenario == "task":
        raise ValueError(
            f"'{args.stream}' is task-incremental, but no learner here is told a task: compare split- or split-class-, "
            "or run 'neuromorph benchmark', whose networks keep an output layer a task."
        )
    return stream


def _check_parts(texts: Sequence[str]) -> None:
    """Words alone; what does not fit the network is refused when it is built."""
    for text in texts:
        if any(part.partition(":")[0] == "heads" for part in text.split("+")):
            raise ValueError("The part heads is an output layer a task, but no task is told here: leave it out.")


def _installed(args: CompareArgs) -> CompareArgs:
    """Without Lava the other substrates are compared; Lava alone is refused when its learner is built."""
    others = tuple(name for name in args.substrates if SUBSTRATES[name].module != "lava")
    if others in ((), args.substrates) or installed():
        return args
    named = " and ".join(dict.fromkeys(others))
    print(f"neuromorph: lava-nc is not installed: {named} without Lava. To add it, {INSTALL}", file=sys.stderr)
    return replace(args, substrates=others)


def _stream(args: CompareArgs) -> StreamWords:
    return StreamWords(args.stream, args.tasks, *limits(args.samples, args.test_samples))


def _rows(args: CompareArgs, stream: Stream) -> list[Row]:
    words, inputs, seeds = _stream(args), int(np.prod(stream.shape)), tuple(range(args.seeds))
    known, models = _known(args, stream), _models(args)

    def local(label: str, model: SynapseModel, substrate: str, role: str = "", rule: str = args.rule) -> Row:
        learner = Local(model, known[substrate], inputs, stream.outputs, RULES[rule])
        name = f"{label} {substrate} {role}".strip()
        return Row(label, substrate, role, (Cell(name, learner, words, seeds, args.epochs, role),))

    def deep(m: float, role: str = "", *parts: str) -> Row:
        learner = Deep((inputs, *args.deep_hidden, stream.outputs), m, args.device, parts)
        label = "+".join([f"deep(m={m:g})", *parts])
        name = f"{label} snntorch {role}".strip()
        cells = (Cell(f"{name} seed {s}", learner, words, s, args.deep_epochs, role, args.threads) for s in seeds)
        return Row(label, "snntorch", role, tuple(cells))

    rows = [
        local(label, model, substrate)
        for label, model in models.items()
        for substrate in dict.fromkeys(args.substrates)
    ]
    rows += [local(label, model, "snntorch", UNPROTECTED, "delta") for label, model in _unprotected(args, models)]
    rows += [local(label, model, "snntorch", JOINT) for label, model in models.items()]
    if not args.deep:
        return rows
    added = [deep(0.0, "", *text.split("+")) for text in dict.fromkeys(args.deep_parts)]
    return [*rows, deep(args.deep_m), *added, deep(0.0, UNPROTECTED), deep(0.0, JOINT)]


def _told(rows: Sequence[Row]) -> str:
    """What learners know of boundaries and tasks, and what is reset, in words; parts may be told something."""
    known = {row.synapse: row.cells[0].learner(row.cells[0].seeds).needs for row in rows if "+" in row.synapse}
    told = [f"{name}: {', '.join(TOLD[need] for need in sorted(needs))}" for name, needs in known.items() if needs]
    but = f", but {'; '.join(told)}" if told else ""
    reset = f"nothing reset{' where no part does it' * bool(told)}"
    return f"no learner is told a boundary or a task{but}; one optimiser, {reset}; no normalisation layer"


def _models(args: CompareArgs) -> dict[str, SynapseModel]:
    """Label -> model: the model's name, or the user's words where several models have that name."""
    models = {text: learning_synapse(text) for text in args.synapses}
    names = [model.name for model in models.values()]
    return {model.name if names.count(model.name) == 1 else text: model for text, model in models.items()}


def _unprotected(args: CompareArgs, models: Mapping[str, SynapseModel]) -> Iterable[tuple[str, SynapseModel]]:
    """What the delta rule learns with for comparison: what protects here is the synapse, or the other rule."""
    unprotected = HiddenWeight(0.0)
    if args.rule == "delta":
        return [(unprotected.name, unprotected)]
    return [(f"{label}, delta rule", model) for label, model in models.items()]


def _known(args: CompareArgs, stream: Stream) -> dict[str, Substrate]:
    presented = args.seeds * args.tasks * args.epochs * (args.samples or 60_000) * int(np.prod(stream.shape))
    target = {True: "cython", False: "numpy"}[presented > COMPILED_FROM]
    chosen = {"target": target if args.brian_target == "auto" else args.brian_target}
    return {**SUBSTRATES, "brian2": Substrate("brian", chosen), "snntorch": SUBSTRATES["snntorch"].on(args.device)}


def _memory_cells(args: CompareArgs, stream: Stream) -> list[MemoryCell]:
    known = _known(args, stream)
    measured = POPULATION, tuple(LAGS.tolist()), TRACKED
    return [
        MemoryCell(f"memory curve {label} {name}", model, known[name], *measured, known[name].threads)
        for label, model in _models(args).items()
        for name in dict.fromkeys(args.substrates)
    ]


def _memory(args: CompareArgs, results: Sequence[Result]) -> dict[str, Any]:
    """Memory curves of the same synapses, on each substrate and in theory."""
    curves: dict[str, Any] = {}
    found = iter(results)
    for label, model in _models(args).items():
        measured = {}
        for substrate in dict.fromkeys(args.substrates):
            measured[substrate] = {name: value.tolist() for name, value in next(found).arrays.items()}
        curves[label] = {"theory": _theory(model), "measured": measured}
    return {"lags": LAGS.tolist(), "synapses": POPULATION, "tracked": TRACKED, "curves": curves}


def _theory(model: SynapseModel) -> list[float] | None:
    """None for a model that is no finite chain, exact or on levels."""
    return transient_curve(model, LAGS, TRACKED).tolist() if find(model, FreshChain) else None


def _write(
    args: CompareArgs, rows: Sequence[Row], results: Sequence[Sequence[Result]], stream: Stream, memory: dict[str, Any]
) -> None:
    """memory.json, results.json (docs/results.md) and matrices.npz."""
    matrices = [_matrix(row, found) for row, found in zip(rows, results, strict=True)]
    lines = [
        {
            "synapse": row.synapse,
            "substrate": row.substrate,
            "role": row.role,
            "epochs": row.cells[0].epochs,
            "matrix": row.matrix_name,
            "seconds": sum(result.seconds for result in found),
            "metrics": {name: getattr(matrix, name).tolist() for name in METRICS},
        }
        for row, found, matrix in zip(rows, results, matrices, strict=True)
    ]
    content = {
        "schema": SCHEMA,
        "stream": stream.summary(),
        "seeds": args.seeds,
        "chance": 1 / stream.outputs,
        "boundary": _told(rows),
        "cells": lines,
        "memory": memory,
    }
    pairs = list(zip(rows, matrices, strict=True))
    accuracy = {f"{row.matrix_name}/accuracy": matrix.accuracy for row, matrix in pairs}
    baseline = {f"{row.matrix_name}/baseline": matrix.baseline for row, matrix in pairs}
    write_arrays(args.out / "matrices.npz", accuracy | baseline)
    write_json(args.out / "memory.json", memory)
    write_json(args.out / "results.json", content)


def _matrix(row: Row, results: Sequence[Result]) -> AccuracyMatrix:
    """With a last axis of seeds."""
    return results[0].matrix if isinstance(row.cells[0].seeds, tuple) else stacked(results)
