"""``neuromorph compare``: synapse models x substrates on one task stream; a table and a page."""

import json
import platform
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

from fusi_models import HiddenWeight, SynapseModel
from fusi_models.catalogue import learning_synapse
from fusi_models.theory.transient import transient_curve
from neuromorph import streams
from neuromorph.atomic import replacing, write_json
from neuromorph.commands.report import table, write_report
from neuromorph.learner import Learner
from neuromorph.metrics import AccuracyMatrix, memory_signal
from neuromorph.run import learn_stream
from neuromorph.streams import Stream

SCHEMA = 1
COMPILED_FROM = 10_000_000  # pixels presented in all: from here Brian2's compilation pays
SHARED_WIDTH = 500  # products of narrower layers are slower on several threads than on one
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
    """KIND-DATA, for example permuted-mnist, rotated-digits, split-mnist, split-class-mnist, subsets-fashion-mnist,
    sequence-mnist+fashion-mnist."""
    substrates: tuple[str, ...] = ("brian2", "snntorch", "lava")
    """Any of brian2, snntorch, lava (the chip's integers), lava-float."""
    synapses: tuple[str, ...] = ("plain", "cascade", "hidden")
    """NAME or NAME:KEY=VALUE,...: plain:q=0.03  cascade:depth=5,x=0.5,rate=0.1  hidden:m=2,step=0.02."""
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
    out: Path = Path("runs/compare")
    """Folder for config.json, results.json, the matrices, the figures and report.html."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""
    brian_target: str = "auto"
    """How Brian2 computes: numpy, cython (compiles once, a minute a synapse), cpp_standalone (compiles at every call);
    auto takes cython for large streams."""


@dataclass(frozen=True)
class Cell:
    """One row of the table: a learner, as a function of its seed or seeds, on the stream or on all of it at once."""

    synapse: str
    substrate: str
    role: str
    epochs: int
    build: Callable[[Any], Learner]
    replicas: bool

    @property
    def slug(self) -> str:
        """A name for files."""
        return re.sub(r"[^A-Za-z0-9.=-]+", "_", f"{self.synapse}_{self.substrate}_{self.role}")


def _learner_arguments(args: CompareArgs, inputs: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Substrate -> the learner's module, and what its class and its ``imprint`` take."""
    large = args.seeds * args.tasks * args.epochs * (args.samples or 60_000) * inputs > COMPILED_FROM
    target = {True: "cython", False: "numpy"}[large] if args.brian_target == "auto" else args.brian_target
    return {
        "brian2": ("brian", {"target": target}),
        "snntorch": ("torch", {"device": args.device}),
        "lava": ("lava", {"arithmetic": "fixed"}),
        "lava-float": ("lava", {"arithmetic": "float"}),
    }


SUBSTRATES = ("brian2", "snntorch", "lava", "lava-float")
_CLASSES = {"brian": "BrianLearner", "torch": "TorchLearner", "lava": "LavaLearner"}


def compare(args: CompareArgs) -> None:
    """Run what is not there yet, print the table, write the page.

    Raises ``ValueError`` or ``OSError`` with one sentence for a mistake; everything finished stays in ``args.out``.
    """
    cells, by_seed = _plan(args)
    _claim(args)
    results = {}
    for k, cell in enumerate(cells, 1):
        label = f"[{k}/{len(cells)}] {cell.synapse} {cell.substrate} {cell.role}".strip()
        results[cell.slug] = _result(cell, by_seed, args, label)
    write_json(args.out / "memory.json", _memory(args, by_seed[0]))
    _write(args, cells, results, by_seed[0])
    write_report(args.out)
    print()
    print(table(json.loads((args.out / "results.json").read_text())))
    print(f"\n{args.out / 'report.html'} shows the figures; results.json, matrices.npz and config.json lie beside it.")


def _plan(args: CompareArgs) -> tuple[list[Cell], list[Stream]]:
    """All cells, with every argument checked before anything runs."""
    for substrate in args.substrates:
        if substrate not in SUBSTRATES:
            raise ValueError(f"There is no substrate '{substrate}': choose any of {', '.join(SUBSTRATES)}.")
    for name in ("seeds", "epochs", "deep_epochs"):
        if getattr(args, name) < 1:
            raise ValueError(f"{name.replace('_', '-')} must be at least 1, got {getattr(args, name)}.")
    if not args.substrates or not args.synapses:
        raise ValueError("Name at least one substrate and one synapse.")
    sizes = (args.samples or None, args.test_samples or None)
    by_seed = [streams.by_name(args.stream, args.tasks, seed, *sizes) for seed in range(args.seeds)]
    stream = by_seed[0]
    inputs = int(np.prod(stream.shape))
    known = _learner_arguments(args, inputs)

    def local(label: str, model: SynapseModel, substrate: str, role: str) -> Cell:
        module, options = known[substrate]

        def build(seeds: Any) -> Learner:
            kind = getattr(import_module(f"neuromorph.learners.{module}"), _CLASSES[module])
            return kind(model, inputs, stream.outputs, seeds=seeds, **options)

        return Cell(label, substrate, role, args.epochs, build, replicas=True)

    def deep(m: float, role: str) -> Cell:
        def build(seed: int) -> Learner:
            module = import_module("neuromorph.learners.deep")
            sizes = (inputs, *args.deep_hidden, stream.outputs)
            return module.DeepLearner(module.DeepConfig(sizes=sizes, m=m, seed=seed, device=args.device))

        return Cell(f"deep(m={m:g})", "snntorch", role, args.deep_epochs, build, replicas=False)

    models = _models(args).items()
    cells = [local(label, model, substrate, "") for label, model in models for substrate in _substrates(args)]
    unprotected = HiddenWeight(0.0)
    cells += [local(unprotected.name, unprotected, "snntorch", "no protection")]
    cells += [local(label, model, "snntorch", "joint") for label, model in models]
    if args.deep:
        cells += [deep(args.deep_m, ""), deep(0.0, "no protection"), deep(0.0, "joint")]
    for cell in cells:  # a learner that cannot be built says so before hours of others
        cell.build((0,) if cell.replicas else 0)
    return cells, by_seed


def _models(args: CompareArgs) -> dict[str, SynapseModel]:
    """Label -> model: the model's name, or the user's words where several models have that name."""
    models = {text: learning_synapse(text) for text in args.synapses}
    names = [model.name for model in models.values()]
    return {model.name if names.count(model.name) == 1 else text: model for text, model in models.items()}


def _substrates(args: CompareArgs) -> list[str]:
    return list(dict.fromkeys(args.substrates))


def _claim(args: CompareArgs) -> None:
    """Make the folder this comparison's, or find that it is."""
    config, cells = args.out / "config.json", args.out / "cells"
    mine = json.loads(json.dumps(asdict(args) | {"out": None}, default=str))
    if config.exists() and any(cells.glob("*")):
        try:
            theirs = json.loads(config.read_text())["arguments"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{config} is not a comparison's: choose another --out, or delete the folder.") from error
        different = [f.name for f in fields(args) if theirs.get(f.name) != mine[f.name]]
        if different:
            raise ValueError(
                f"{args.out} holds another comparison (it differs in {', '.join(different)}): "
                "choose another --out, or delete the folder."
            )
        return
    packages = {name: _version(name) for name in ("neuromorph", "numpy", "torch", "snntorch", "brian2", "lava-nc")}
    try:
        write_json(config, {"arguments": mine, "python": platform.python_version(), "packages": packages})
    except OSError as error:
        raise OSError(f"The folder {args.out} cannot be written ({error.strerror}): choose another --out.") from error


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _result(cell: Cell, by_seed: Sequence[Stream], args: CompareArgs, label: str) -> tuple[AccuracyMatrix, float]:
    """The cell's matrix with a last axis of seeds, and seconds; from its file where it is finished."""
    import torch

    path = args.out / "cells" / f"{cell.slug}.npz"
    if path.exists():
        with np.load(path) as stored:
            print(f"{label}: finished earlier")
            return AccuracyMatrix(stored["accuracy"], stored["baseline"]), float(stored["seconds"])
    ours = [streams.joint(s) for s in by_seed] if cell.role == "joint" else by_seed
    begun = time.perf_counter()
    threads = torch.get_num_threads()
    small = cell.replicas or max(args.deep_hidden, default=0) < SHARED_WIDTH
    torch.set_num_threads(1 if small else threads)
    try:
        if cell.replicas:
            seeds = tuple(range(len(ours)))
            stops = path.with_suffix(".pt")
            matrix = learn_stream(
                cell.build(seeds), streams.parallel(ours), cell.epochs, seeds, checkpoint=stops, label=label
            )
        else:
            runs = []
            for seed, stream in enumerate(ours):
                stops = path.with_name(f"{cell.slug}-{seed}.pt")
                name = f"{label} seed {seed}"
                runs.append(learn_stream(cell.build(seed), stream, cell.epochs, seed, checkpoint=stops, label=name))
            matrix = AccuracyMatrix(np.stack([r.accuracy for r in runs], -1), np.stack([r.baseline for r in runs], -1))
    finally:
        torch.set_num_threads(threads)
    seconds = time.perf_counter() - begun
    with replacing(path) as unfinished:
        np.savez(unfinished, accuracy=matrix.accuracy, baseline=matrix.baseline, seconds=seconds)
    for checkpoint in path.parent.glob(f"{cell.slug}*.pt"):
        checkpoint.unlink()
    return matrix, seconds


def _memory(args: CompareArgs, stream: Stream) -> dict[str, Any]:
    """Memory curves of the same synapses on a stream of random patterns, on each substrate and in theory."""
    path = args.out / "memory.json"
    if path.exists():
        return json.loads(path.read_text())
    from tqdm.auto import tqdm

    known = _learner_arguments(args, int(np.prod(stream.shape)))
    patterns = streams.patterns(TRACKED + int(LAGS.max()), POPULATION, seed=0)
    events = np.concatenate([2 * task.train[0] - 1 for task in patterns]).astype(np.int8)
    curves: dict[str, Any] = {}
    models = _models(args)
    cells = [(label, substrate) for label in models for substrate in _substrates(args)]
    for label, substrate in tqdm(cells, desc="memory curves"):
        model = models[label]
        module, options = known[substrate]
        curve = curves.setdefault(label, {"theory": transient_curve(model, LAGS, TRACKED).tolist(), "measured": {}})
        efficacy = import_module(f"neuromorph.learners.{module}").imprint(model, events, seed=0, **options)
        signal, error = memory_signal(events, efficacy, LAGS, TRACKED)
        curve["measured"][substrate] = {"signal": signal.tolist(), "error": error.tolist()}
    return {"lags": LAGS.tolist(), "synapses": POPULATION, "tracked": TRACKED, "curves": curves}


def _write(
    args: CompareArgs, cells: Sequence[Cell], results: dict[str, tuple[AccuracyMatrix, float]], stream: Stream
) -> None:
    """results.json (docs/results.md) and matrices.npz."""
    rows = []
    for cell in cells:
        matrix, seconds = results[cell.slug]
        values = {name: getattr(matrix, name).tolist() for name in METRICS}
        rows.append(
            {
                "synapse": cell.synapse,
                "substrate": cell.substrate,
                "role": cell.role,
                "epochs": cell.epochs,
                "matrix": cell.slug,
                "seconds": seconds,
                "metrics": values,
            }
        )
    content = {
        "schema": SCHEMA,
        "stream": {
            "name": stream.name,
            "scenario": f"{stream.scenario}-incremental",
            "tasks": len(stream),
            "outputs": stream.outputs,
            "samples": [len(task.train[0]) for task in stream],
            "test_samples": [len(task.test[0]) for task in stream],
        },
        "seeds": args.seeds,
        "chance": 1 / stream.outputs,
        "boundary": "no learner is told a boundary or a task; one optimiser, nothing reset; no normalisation layer",
        "cells": rows,
        "memory": json.loads((args.out / "memory.json").read_text()),
    }
    with replacing(args.out / "matrices.npz") as unfinished:
        np.savez_compressed(
            unfinished,
            **{f"{slug}/accuracy": m.accuracy for slug, (m, _) in results.items()},
            **{f"{slug}/baseline": m.baseline for slug, (m, _) in results.items()},
        )
    write_json(args.out / "results.json", content)
