"""``neuromorph deploy``: a trained network on the chip's rules, verified spike for spike on its own test samples."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from neuromorph import checkpoint, lava, streams
from neuromorph.atomic import replacing, write_json, write_text
from neuromorph.outputs import check_folder, check_foreign
from neuromorph.page.deployed import Verdict, chip_names, sample_figures
from neuromorph.provenance import provenance

SCRIPT = "run_on_lava.py"  # lies in neuromorph/lava/handout, needs nothing of it
STOCK_DRIVE = 50  # samples whose drive is also read on the stock graph, which is slow


@dataclass(frozen=True)
class DeployArgs:
    """Map a trained network onto Loihi's rules, verify every spike on Lava, and write everything a chip needs."""

    file: Annotated[Path, tyro.conf.Positional]
    """A checkpoint of ``neuromorph train``, a .nir file, or with --model a state saved by torch."""
    samples: int = 1000
    """Test samples to verify, spread over the tasks of a checkpoint's stream; 0 takes all."""
    chip: Literal["loihi1", "loihi2", "both"] = "both"
    """Whose resources to print."""
    learning: bool = False
    """Reserve 8-bit weights and 8-bit tags, for learning on the chip."""
    out: Path | None = None
    """Folder for the network, the script, NIR and the figures; by default the file's name without .pt or .nir, or with
    -deployed."""
    timeout: float = 1800.0
    """Seconds that one run on Lava may take."""
    model: str = ""
    """module:Class of the snnTorch network whose state the file holds; the class is made without arguments."""
    data: str = ""
    """Of a .nir file or a state: mnist, nmnist and so on, or an .npz file with x and y; without, random spikes."""
    steps: int = 0
    """Of a .nir file or a state: for how many steps a sample is shown."""
    encoding: Literal["raster", "current", "rate", "latency"] = "raster"
    """Of a .nir file or a state: spikes as they are; the same value at every step; or spikes made of a value."""
    input_bits: int = 0
    """Of the values of --encoding current, graded spikes of Loihi 2."""
    weight_bits: int = 8
    """Of an imported network: 16 (two synapses of 8 bits), 8, 4, 2 or 1."""
    calibration: int = 20
    """Training samples on which the quantisation is chosen."""
    input_shape: tuple[int, ...] = ()
    """Of one sample at one step, where the first layer of --model is not Linear."""
    dt: float = 1e-4
    """Seconds of a step of a NIR network."""


@dataclass(frozen=True)
class Case:
    """What is deployed. ``records``: of the network it was made from, spikes and membranes [time, batch, neuron] in the
    chip's units; ``exact``: whether its spikes must be the chip's; ``scores``: lines of accuracies."""

    deployment: lava.Deployment
    x: np.ndarray
    y: np.ndarray | None
    records: list[tuple[np.ndarray, np.ndarray]]
    source: str
    exact: bool
    scores: tuple[tuple[str, float], ...] = ()
    words: tuple[str, ...] = ()
    by_membrane: bool = False


@dataclass(frozen=True)
class Drive:
    """The finer read-out: in words, and how many of its numbers differ from the reference (batched, stock graph)."""

    words: str
    differing: list[int]


def deploy(args: DeployArgs) -> None:
    """Exits with 1 where a spike differs, 3 where the network fits no chip that was asked for.

    Raises ``ValueError`` or ``OSError`` with one sentence for a mistake.
    """
    from neuromorph.lava.reference import simulate

    out, case = _case(args)
    deployment, spec, x = case.deployment, case.deployment.spec, case.x
    reference = simulate(spec, x)
    ways = {case.source: tuple(spikes for spikes, _ in case.records)}
    for engine in ("stock", "batched"):
        ways[f"Lava, {engine} graph"] = deployment.layers(x, engine, timeout=args.timeout, progress=True)
    differing = {
        name: [int((a != b.spikes).sum()) for a, b in zip(layers, reference, strict=True)]
        for name, layers in ways.items()
    }

    told = differing if case.exact else {k: v for k, v in differing.items() if k != case.source}
    drive = _drive(case, args.timeout)
    chips = ("loihi1", "loihi2") if args.chip == "both" else (args.chip,)
    sheets = {chip: deployment.resources(chip, x, args.learning) for chip in chips}
    equal = not any(map(any, told.values())) and not any(drive.differing)
    verdict = Verdict(equal, {chip: tuple(sheet.problems) for chip, sheet in sheets.items()})

    count = reference[0].spikes.shape[1]
    print(f"{args.file}: {spec.title}, {spec.num_steps} steps, {count} test samples")
    print(verdict, end="\n\n")
    for line in case.words:
        print(line)
    print(f"{'':52}accuracy   spikes that differ from the reference, by layer")
    for name, score in case.scores:
        print(f"{name:52}{score:.4f}")
    way = "last membranes" if case.by_membrane else "spike counts"
    final = [record[-1] for record in (case.records[-1], (reference[-1].spikes, reference[-1].membranes))]
    right = [_score(case, one[-1].argmax(1)) for one in final] if case.by_membrane else None
    accuracy = {f"integer reference, {way}": right[1] if right else _counts(case, reference[-1].spikes)}
    print(f"{f'integer reference, {way}':52}{accuracy[f'integer reference, {way}']}")
    for name, layers in ways.items():
        ours = right[0] if right and name == case.source else _counts(case, layers[-1]) if not right else "      "
        accuracy[f"{name}, {way}"] = ours
        print(f"{name + f', {way}':52}{ours}     {' '.join(map(str, differing[name]))}")
    print(f"compared: {sum(record.spikes.size for record in reference)} neuron steps, each way")
    if not case.exact:
        total = [int(spikes.sum()) for spikes, _ in case.records]
        print(f"spikes of the {case.source}, by layer: {' '.join(map(str, total))}")
        # what the quantisation moved is no fault of the mapping
    print(f"{drive.words}\n")
    for chip, sheet in sheets.items():
        print(f"{sheet}\n")
        write_text(out / f"{chip}.txt", f"{sheet}\n\n" + "\n".join(_cores(sheet)) + "\n")
    _write(out, case, reference)
    scores = dict(case.scores) | {name: float(v) for name, v in accuracy.items() if v.strip()}
    measured = {
        "network": spec.title,
        "steps": spec.num_steps,
        "samples": count,
        "accuracy": scores,
        "neuron_steps": sum(record.spikes.size for record in reference),
        "differing_spikes": differing,
        "differing_drive": drive.differing,
    }
    content = {"schema": 1, **verdict.content(), **measured, **provenance(args, ("out", "timeout"))}
    write_json(out / "deployment.json", content)
    print(f"{out} holds {', '.join(sorted(path.name for path in out.iterdir()))}")
    if not verdict.equal:
        print("neuromorph: spikes differ; do not trust this network on the chip.", file=sys.stderr)
        sys.exit(1)
    if not verdict.fits:
        print(f"neuromorph: the network does not fit {' or '.join(chip_names(chips))}.", file=sys.stderr)
        sys.exit(3)


def _write(out: Path, case: Case, reference: list) -> None:
    from neuromorph.lava.saved import save_network

    spec = case.deployment.spec
    save_network(spec, out)
    messages = spec.encode(case.x)
    with replacing(out / "samples.npz") as unfinished:
        few = messages[:5]
        labels = np.full(len(few), -1) if case.y is None else case.y[:5]
        np.savez_compressed(unfinished, messages=few, counts=reference[-1].spikes[:, :5].sum(0), labels=labels)
    if spec.stock:
        with replacing(out / SCRIPT) as unfinished:
            shutil.copyfile(Path(lava.__file__).parent / "handout" / SCRIPT, unfinished)
    else:
        print(f"no {SCRIPT}: a reset of this network is not in stock Lava; run it with neuromorph.lava")
    _write_nir(spec, out / "network.nir")
    last = reference[-1].membranes[-1, 0] if case.by_membrane else reference[-1].spikes[:, 0].sum(0)
    label = "" if case.y is None else f", label {case.y[0]}"
    way = "last membranes" if case.by_membrane else "spike counts"
    words = f"test sample 0{label}, predicted {int(last.argmax())} by {way}"
    for name, figure in sample_figures(spec, case.records, messages[:1], case.source, words).items():
        write_text(out / name, figure)


def _case(args: DeployArgs) -> tuple[Path, Case]:
    if args.samples < 0:
        raise ValueError(f"--samples must be 0 (all of them) or more, got {args.samples}.")
    if not args.file.exists():
        raise FileNotFoundError(
            f"{args.file} does not exist: train a network with 'neuromorph train --out {args.file}', or give a .nir."
        )
    if args.file.is_dir():
        raise ValueError(f"{args.file} is a folder: give the file that 'neuromorph train --out FILE' wrote.")
    if args.model or args.file.suffix == ".nir":
        return folder(args), _imported(args)
    return _trained(args)


def _trained(args: DeployArgs) -> tuple[Path, Case]:
    """Of a checkpoint: its own test samples, and the training network's spikes, which must be the chip's."""
    import torch

    learner, x, y = load_checkpoint(args.file, args.samples)
    out = folder(args)
    trained = _accuracy(learner.predict(x), y)
    network = learner.network
    if network.config.norm != "none":
        network = network.folded()
    deployment = lava.deploy(network)
    x = shown(deployment.spec, x)
    with torch.no_grad():
        records = [[part.flatten(2).numpy() for part in record] for record in network.record(torch.from_numpy(x))]
        classes = network.readout(*map(torch.from_numpy, records[-1])).numpy().argmax(1)
    scores = [(f"training network, its own read-out ({network.config.readout})", _accuracy(classes, y))]
    if network is not learner.network:
        scores.insert(0, ("training network, before its batch norm was folded", trained))
    both = [(spikes == 1, membranes) for spikes, membranes in records]
    return out, Case(deployment, x, y, both, "training network", True, tuple(scores))


def _imported(args: DeployArgs) -> Case:
    """Of a NIR file or a user's module: quantised on training samples, its floating network beside it."""
    from neuromorph.importers.samples import samples
    from neuromorph.importers.translate import Settings, load_module, own, translate

    known = own(args.file) if args.file.suffix == ".nir" and not args.model else None
    steps = known.num_steps if known is not None and not args.steps else args.steps
    encoding = known.encoding if known is not None else args.encoding
    shape = args.input_shape or None
    settings = Settings(steps, encoding, args.input_bits, args.weight_bits, input_shape=shape, dt=args.dt)
    source = load_module(args.file, args.model) if args.model else args.file
    first, x, y = samples(args.data, steps, encoding, args.calibration, args.samples) if args.data else (None,) * 3
    if known is not None:
        deployment = lava.deploy(known)
        x = _random(known) if x is None else x
        words: tuple[str, ...] = ("written by this project: number for number, nothing is quantised",)
        layers = [(record.spikes, record.membranes) for record in _reference(known, x)]
        return Case(deployment, x, y, layers, "integers of the file", True, (), words)
    deployment = translate(source, settings, first)
    x = _random(deployment.spec) if x is None else x
    origin = deployment.origin
    assert origin is not None
    words = (
        *(f"imported: {line}" for line in origin.graph.about),
        f"quantised to {args.weight_bits} bits on {origin.calibration}; by layer, on the floating network's spikes:",
        *(f"  {report}" for report in origin.layers),
        "",
    )
    records = origin.run(deployment.spec, x)
    return Case(deployment, x, y, records, "floating network", False, (), words, origin.by_membrane)


def _random(spec: lava.NetworkSpec) -> np.ndarray:
    from fusi_models.seeds import generator

    rng = generator("samples of a network without data", 0)
    if spec.encoding != "raster":
        return rng.random((20, spec.sizes[0]), dtype=np.float32)
    return (rng.random((spec.num_steps, 20, spec.sizes[0])) < 0.1).astype(np.float32)


def _reference(spec: lava.NetworkSpec, x: np.ndarray) -> list:
    from neuromorph.lava.reference import simulate

    return simulate(spec, x)


def folder(args: DeployArgs) -> Path:
    """Where everything goes, made here, before hours of work. Raises ``OSError`` where that is no folder."""
    path, name = args.file, args.file.name
    # "m=2.5" has no suffix: without .pt the whole name counts.
    short = name.removesuffix(".pt").removesuffix(".nir")
    out = args.out or path.with_name(short if short != name else f"{name}-deployed")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{out} cannot be a folder ({error.strerror}): choose another --out.") from error
    check_folder(out)
    check_foreign(out, "network.json", ("schema", "layers"), ("network.json", "network.npz", "network.nir", SCRIPT))
    return out


def load_checkpoint(path: Path, samples: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The learner, and test samples x [n, ...], y [n] of its stream. Raises ValueError for another kind of file."""
    from neuromorph.learners.deep import DeepConfig, DeepLearner

    try:
        content = checkpoint.load_checkpoint(path)
    except ValueError as error:
        raise ValueError(
            f"{path} is no checkpoint of 'neuromorph train': {error} Of your own network, say --model module:Class."
        ) from error
    try:
        arguments, state = content["arguments"], content["learner"]
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in state["config"].items()}
        learner = DeepLearner(DeepConfig(**settings))
        learner.load_state_dict(state)
    except (KeyError, TypeError, RuntimeError, AttributeError) as error:  # of another learner, or of another version
        raise ValueError(
            f"{path} is no checkpoint of 'neuromorph train': it was saved by another learner or another version "
            f"({type(error).__name__})."
        ) from error
    stream = streams.by_name(
        arguments["stream"],
        arguments["tasks"],
        arguments["seed"],
        arguments["samples"] or None,
        arguments["test_samples"] or None,
    )
    each = -(-samples // len(stream)) if samples else None
    tests = [(x[:each], y[:each]) for x, y in (task.test for task in stream)]
    x, y = (np.concatenate(parts)[: samples or None] for parts in zip(*tests, strict=True))
    return learner, x, y


def shown(spec: Any, x: np.ndarray) -> np.ndarray:
    """Samples [n, ...] as the network takes them: [n, feature], or spikes [time, n, feature]."""
    if spec.encoding == "raster":
        return np.ascontiguousarray(x.reshape(len(x), spec.num_steps, spec.sizes[0]).swapaxes(0, 1))
    return x.reshape(len(x), spec.sizes[0])


def _drive(case: Case, timeout: float) -> Drive:
    deployment, x = case.deployment, case.x
    try:
        expected = deployment.reference_drive(x)
    except ValueError as error:
        return Drive(f"no read-out of the outputs' drive: {error}", [])
    found = deployment.drive(x, "batched", timeout)
    few = x[:, :STOCK_DRIVE] if deployment.spec.encoding == "raster" else x[:STOCK_DRIVE]
    stock = deployment.drive(few, "stock", timeout)
    differing = [int((found != expected).sum()), int((stock != expected[: len(stock)]).sum())]
    line = f"{'Lava, outputs only integrate, read by Read':52}{_score(case, found.argmax(1))}     "
    line += f"{differing[0]} of {found.size} numbers differ; stock graph, {len(stock)} samples: {differing[1]}"
    return Drive(line, differing)


def _counts(case: Case, spikes: np.ndarray) -> str:
    return _score(case, spikes.sum(0).argmax(1))


def _score(case: Case, classes: np.ndarray) -> str:
    """The accuracy, or blanks without labels."""
    return "      " if case.y is None else f"{_accuracy(classes, case.y):.4f}"


def _accuracy(classes: np.ndarray, y: np.ndarray) -> float:
    return float((classes == y).mean())


def _cores(sheet: Any) -> list[str]:
    from neuromorph.lava.mapping import core_table

    return core_table(sheet.cores)


def _write_nir(network: Any, path: Path) -> None:
    """NIR is an extra, and cannot say everything that the chip can."""
    try:
        from neuromorph.nir import write

        write(network, path)
    except (ImportError, ValueError) as error:
        print(f"no NIR file: {error}")
