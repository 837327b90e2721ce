"""``neuromorph deploy``: a trained network on the chip's rules, verified spike for spike on its own test samples."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from neuromorph import checkpoint, lava, streams
from neuromorph.atomic import replacing, write_text

SCRIPT = "run_on_lava.py"  # lies in neuromorph/lava/handout, needs nothing of it
STOCK_DRIVE = 50  # samples whose drive is also read on the stock graph, which is slow


@dataclass(frozen=True)
class DeployArgs:
    """Map a trained network onto Loihi's rules, verify every spike on Lava, and write everything a chip needs."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """A file that ``neuromorph train`` wrote."""
    samples: int = 1000
    """Test samples to verify, spread over the tasks of its stream; 0 takes all."""
    chip: Literal["loihi1", "loihi2", "both"] = "both"
    """Whose resources to print."""
    learning: bool = False
    """Reserve 8-bit weights and 8-bit tags, for learning on the chip."""
    out: Path | None = None
    """Folder for the network, the script, NIR and the figures; by default the checkpoint's name without .pt, or with
    -deployed."""
    timeout: float = 1800.0
    """Seconds that one run on Lava may take."""


def deploy(args: DeployArgs) -> None:
    """Exits with 1 where a spike differs; raises ``ValueError`` or ``OSError`` with one sentence for a mistake."""
    import torch

    from neuromorph.lava.reference import simulate
    from neuromorph.lava.saved import save_network

    learner, x, y = load_checkpoint(args.checkpoint, args.samples)
    out = folder(args)
    trained = _accuracy(learner.predict(x), y)
    network = learner.network
    if network.config.norm != "none":
        network = network.folded()
    deployment = lava.deploy(network)
    spec = deployment.spec
    x = shown(spec, x)
    with torch.no_grad():
        records = [[part.flatten(2).numpy() for part in record] for record in network.record(torch.from_numpy(x))]
        scores = network.readout(*map(torch.from_numpy, records[-1])).numpy()
    reference = simulate(spec, x)
    ways = {"training network": tuple(spikes == 1 for spikes, _ in records)}
    for engine in ("stock", "batched"):
        ways[f"Lava, {engine} graph"] = deployment.layers(x, engine, timeout=args.timeout, progress=True)
    differing = {
        name: [int((a != b.spikes).sum()) for a, b in zip(layers, reference, strict=True)]
        for name, layers in ways.items()
    }

    print(f"{args.checkpoint}: {spec.title}, {spec.num_steps} steps, {len(y)} test samples\n")
    print(f"{'':52}accuracy   spikes that differ from the reference, by layer")
    if network is not learner.network:
        print(f"{'training network, before its batch norm was folded':52}{trained:.4f}")
    print(f"{f'training network, its own read-out ({network.config.readout})':52}{_accuracy(scores.argmax(1), y):.4f}")
    print(f"{'integer reference, spike counts':52}{_right(reference[-1].spikes, y):.4f}")
    for name, layers in ways.items():
        print(f"{name + ', spike counts':52}{_right(layers[-1], y):.4f}     {' '.join(map(str, differing[name]))}")
    print(f"compared: {sum(record.spikes.size for record in reference)} neuron steps, each way")
    differing["drive"] = _drive(deployment, x, y, args.timeout)
    print()
    for chip in ("loihi1", "loihi2") if args.chip == "both" else (args.chip,):
        sheet = deployment.resources(chip, x, args.learning)
        print(f"{sheet}\n")
        write_text(out / f"{chip}.txt", f"{sheet}\n\n" + "\n".join(_cores(sheet)) + "\n")

    save_network(spec, out)
    messages = spec.encode(x)
    with replacing(out / "samples.npz") as unfinished:
        few = messages[:5]
        counts = reference[-1].spikes[:, :5].sum(0)
        np.savez_compressed(unfinished, messages=few, counts=counts, labels=y[:5])
    with replacing(out / SCRIPT) as unfinished:
        shutil.copyfile(Path(lava.__file__).parent / "handout" / SCRIPT, unfinished)
    _write_nir(network, out / "network.nir")
    _figures(out, deployment, records, messages[:1])
    print(f"{out} holds {', '.join(sorted(path.name for path in out.iterdir()))}")
    if any(map(any, differing.values())):
        print("neuromorph: spikes differ; do not trust this network on the chip.", file=sys.stderr)
        sys.exit(1)


def folder(args: DeployArgs) -> Path:
    """Where everything goes, made here, before hours of work. Raises ``OSError`` where that is no folder."""
    path, name = args.checkpoint, args.checkpoint.name
    # "m=2.5" has no suffix: without .pt the whole name counts.
    out = args.out or path.with_name(name.removesuffix(".pt") if name.endswith(".pt") else f"{name}-deployed")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{out} cannot be a folder ({error.strerror}): choose another --out.") from error
    return out


def load_checkpoint(path: Path, samples: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The learner, and test samples x [n, ...], y [n] of its stream. Raises ValueError for another kind of file."""
    from neuromorph.learners.deep import DeepConfig, DeepLearner

    if samples < 0:
        raise ValueError(f"--samples must be 0 (all of them) or more, got {samples}.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: train a network with 'neuromorph train --out {path}'.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the file that 'neuromorph train --out FILE' wrote.")
    try:
        content = checkpoint.load_checkpoint(path)
    except ValueError as error:
        raise ValueError(f"{path} is no checkpoint of 'neuromorph train': {error}") from error
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


def _drive(deployment: Any, x: np.ndarray, y: np.ndarray, timeout: float) -> list[int]:
    """Print the finer read-out; how many of its numbers differ from the reference."""
    try:
        expected = deployment.reference_drive(x)
    except ValueError as error:
        print(f"no read-out of the outputs' drive: {error}")
        return []
    found = deployment.drive(x, "batched", timeout)
    few = x[:, :STOCK_DRIVE] if deployment.spec.encoding == "raster" else x[:STOCK_DRIVE]
    stock = deployment.drive(few, "stock", timeout)
    differing = [int((found != expected).sum()), int((stock != expected[: len(stock)]).sum())]
    print(f"{'Lava, outputs only integrate, read by Read':52}{_accuracy(found.argmax(1), y):.4f}     ", end="")
    print(f"{differing[0]} of {found.size} numbers differ; stock graph, {len(stock)} samples: {differing[1]}")
    return differing


def _right(spikes: np.ndarray, y: np.ndarray) -> float:
    return _accuracy(spikes.sum(0).argmax(1), y)


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


def _figures(out: Path, deployment: Any, records: list, messages: np.ndarray) -> None:
    """raster.svg and membranes.svg of one sample."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from neuromorph.lava.drawing import membranes, raster
    from neuromorph.lava.graphs.inference import run_stock, stock_membranes

    spec = deployment.spec
    spikes = run_stock(spec, messages, set(range(len(spec.layers))))
    traces = stock_membranes(spec, messages[0])
    rasters, lines = (Figure(figsize=(4 * len(records), 3.2), layout="constrained") for _ in range(2))
    all_axes, line_axes = (figure.subplots(1, len(records), squeeze=False) for figure in (rasters, lines))
    for k, (spk, mem) in enumerate(records):
        ours, mem = spk[:, 0] == 1, np.where(spk[:, 0] == 1, 0, mem[:, 0])
        title = f"layer {k + 1}, {'x'.join(map(str, spec.layers[k].shape))} neurons"
        raster(ours, spikes[k][:, 0], title, all_axes[0, k])
        count = ours.sum(0)  # neurons that spike at every step, or never, show little
        liveliest = np.argsort(-np.minimum(count, len(ours) - count), kind="stable")[:5]
        thresholds = spec.layers[k].each(spec.layers[k].threshold)[liveliest]
        membranes(mem[:, liveliest], traces[k][:, liveliest], thresholds, title, line_axes[0, k])
    rasters.suptitle("spikes of one test sample: training network (rings) and Lava (dots)", fontsize=11)
    lines.suptitle("membranes of five neurons: training network (lines) and Lava (dots)", fontsize=11)
    for figure, name in ((rasters, "raster.svg"), (lines, "membranes.svg")):
        with replacing(out / name) as unfinished, rc_context({"svg.hashsalt": "neuromorph"}):
            figure.savefig(unfinished, format="svg", metadata={"Date": None})
