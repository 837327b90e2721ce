"""``neuromorph train``: the deep binarized spiking network on a task stream, and a checkpoint to deploy."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from tyro.conf import OmitArgPrefixes, Suppress

from fusi_models.checks import check_widths, count, whole
from neuromorph import streams
from neuromorph.checkpoint import load_checkpoint, save_checkpoint, unfinished
from neuromorph.commands.report import write_training
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.learners.parts import settled
from neuromorph.learners.parts.heads import Heads
from neuromorph.metrics import AccuracyMatrix
from neuromorph.outputs import alone, check_file, check_foreign
from neuromorph.page.training import NAMES
from neuromorph.provenance import provenance
from neuromorph.run import fingerprint, learn_stream
from neuromorph.snn.network import Convolution
from neuromorph.snn.weights import WeightsConfig
from neuromorph.streams import Stream
from neuromorph.streams.words import limits
from neuromorph.tables import tenth
from neuromorph.threads import check

SCHEMA = 1
WAYS = ("out", "threads", "tensorboard")
"""Arguments that change no number."""
Watch = Callable[[int, int, np.ndarray], None]
SETTLED = ("sizes", "image", "convolutions", "weights")
"""Choices of the configuration that the stream, and the options for layers, settle."""


@dataclass(frozen=True)
class Training(DeepConfig):
    """The network's choices; the stream settles those that are not asked for here."""

    sizes: Suppress[tuple[int, ...]] = DeepConfig.sizes
    image: Suppress[tuple[int, ...]] = ()
    convolutions: Suppress[tuple[Convolution, ...]] = ()
    weights: Suppress[WeightsConfig] = DeepConfig.weights
    seed: int = 0
    """Of the stream, the initial weights and the order of samples."""
    parts: tuple[str, ...] = ()
    """What is added, in words, NAME or NAME:KEY=VALUE,...: ewc:strength=5000, mas, replay:capacity=500..."""

    def __post_init__(self) -> None:
        """Nothing is refused before the stream is known: ``configuration`` does."""


@dataclass(frozen=True)
class TrainArgs:
    """Train the deep binarized spiking network on a stream, and save a checkpoint for ``neuromorph deploy``.

    A run that was stopped or killed goes on from its last finished epoch when the same command is given again.
    """

    stream: str = "permuted-digits"
    """KIND-DATA as in ``compare``; subsets-mnist with --tasks 1 is plain MNIST."""
    tasks: int = 5
    """How many tasks the stream has."""
    samples: int = 0
    """Training samples a data set at most; 0 takes all."""
    test_samples: int = 0
    """Test samples a data set at most; 0 takes all."""
    epochs: int = 5
    """Passes over each task's samples."""
    hidden: tuple[int, ...] = (200, 200)
    """Hidden layers."""
    channels: tuple[int, ...] = ()
    """Channels of binary 3x3 convolutions with stride 2, before the hidden layers."""
    training: OmitArgPrefixes[Training] = Training()
    out: Path = Path("runs/network.pt")
    """The checkpoint to deploy, and beside it a folder FILE-report with the accuracies, figures and a page; a run that
    is not finished keeps FILE.unfinished."""
    threads: int = 0
    """Threads of torch; 0: one for hidden layers narrower than 500 (several would wait for each other, most beside
    another busy process), else all. Another number may change the last bit of sums, and so the network."""
    tensorboard: Path | None = None
    """Folder for TensorBoard: after each epoch the accuracy on every task so far, and their mean."""

    @property
    def flat(self) -> dict[str, Any]:
        """Every argument by its name on the command line, as numbers, texts and tuples."""
        chosen = asdict(self.training) | {f.name: getattr(self, f.name) for f in fields(self)}
        ours = {k: str(v) if isinstance(v, Path) else v for k, v in chosen.items()}
        return {k: v for k, v in ours.items() if k not in ("training", *SETTLED)}


def train(args: TrainArgs) -> None:
    """Raises ``ValueError``, ``OSError`` or ``ImportError`` with one sentence for a mistake."""
    check_widths("hidden", args.hidden)
    whole("seed", args.training.seed)
    count("epochs", args.epochs)
    check_file(args.out, _is_checkpoint)
    if not unfinished(args.out).exists():
        check_file(unfinished(args.out), Path.is_file)
    check_foreign(report_folder(args.out), "config.json", ["arguments"], ("results.json", "config.json", "report.html"))
    with alone(args.out):
        _train(args)


def kept(args: TrainArgs) -> bool:
    """Whether the next call goes on from something."""
    return unfinished(args.out).exists()


def _is_checkpoint(path: Path) -> bool:
    try:
        load_checkpoint(path)
    except ValueError:
        return False
    return True


def _train(args: TrainArgs) -> None:
    seed = args.training.seed
    check(args.threads)
    stream = streams.by_name(args.stream, args.tasks, seed, *limits(args.samples, args.test_samples))
    _check_heads(args, stream)
    learner = DeepLearner(configuration(args, stream))
    partial = unfinished(args.out)
    with ExitStack() as stack:
        watch = _tensorboard(args, stream, stack) if args.tensorboard else _ignore
        how: dict[str, Any] = {"watch": watch, "threads": args.threads or None}
        matrix = learn_stream(learner, stream, args.epochs, seed, checkpoint=partial, **how)
    content: dict[str, Any] = {
        "arguments": args.flat,
        "learner": learner.state_dict(),
        "accuracy": matrix.accuracy,
    }
    save_checkpoint(args.out, content, fingerprint(learner, stream, args.epochs, seed))
    partial.unlink(missing_ok=True)
    print(accuracies(matrix, stream))
    folder = report_folder(args.out)
    write_training(folder, _results(args, stream, matrix), matrix, {"arguments": args.flat, **provenance(args, WAYS)})
    print(f"{stream.name}: average accuracy {matrix.average_accuracy:.3f}, forgetting {matrix.forgetting:.3f}")
    print(f"saved {args.out}; deploy it with: neuromorph deploy {args.out}")
    print(f"{folder / 'report.html'} shows the figures; results.json, matrix.npz and accuracies.csv lie beside it.")


def _check_heads(args: TrainArgs, stream: Stream) -> None:
    """An output layer a task where the task is told, and only there."""
    asked = [part.tasks for part in settled(args.training.parts) if isinstance(part, Heads)]
    if stream.scenario != "task":
        if asked:
            raise ValueError(
                f"The part heads is an output layer a task, but no task is told in '{args.stream}' "
                f"({stream.scenario}-incremental): leave it out, or take split-task-."
            )
    elif not asked:
        raise ValueError(
            f"'{args.stream}' is task-incremental, but one output layer for all tasks is not: add --parts "
            f"heads:tasks={len(stream)}, or take split- (domain-incremental) or split-class-."
        )
    elif asked != [len(stream)]:
        raise ValueError(f"'{args.stream}' has {len(stream)} tasks, got heads:tasks={asked[0]}: give the same number.")


def report_folder(out: Path) -> Path:
    """Where the page of a network lies, beside its checkpoint."""
    return out.with_name(f"{out.name.removesuffix('.pt')}-report")


def _results(args: TrainArgs, stream: Stream, matrix: AccuracyMatrix) -> dict[str, Any]:
    """For results.json: as that of a comparison, of one network."""
    return {
        "schema": SCHEMA,
        "stream": {**stream.summary(), "names": [task.name for task in stream]},
        "epochs": args.epochs,
        "chance": 1 / stream.outputs,
        "metrics": {name: float(getattr(matrix, name)) for name in NAMES},
        "matrix": "matrix.npz",
    }


def accuracies(matrix: AccuracyMatrix, stream: Stream) -> str:
    """The matrix in percent: a row for each task learned, a column for each task tested."""
    names = [stream[k].name for k in range(len(stream))]
    width = max(len("before learning"), *(len(name) + len("after ") for name in names))
    rows = zip(["before learning", *(f"after {n}" for n in names)], [matrix.baseline, *matrix.accuracy], strict=True)
    lines = [f"{label:{width}}" + "".join(f"{tenth(100 * value):>7}" for value in row) for label, row in rows]
    return "\n".join(
        [f"{'percent right on task':{width}}" + "".join(f"{k:7}" for k in range(1, len(names) + 1)), *lines]
    )


def configuration(args: TrainArgs, stream: Stream) -> DeepConfig:
    """The learner's configuration on this stream."""
    chosen = {f.name: getattr(args.training, f.name) for f in fields(DeepConfig)}
    raster = args.training.encoding == "raster"
    heads = len(stream) if stream.scenario == "task" else 1
    chosen["sizes"] = (int(np.prod(stream.shape[raster:])), *args.hidden, heads * stream.outputs)
    chosen["image"] = (1, *stream.shape) if args.channels else ()
    chosen["convolutions"] = tuple(Convolution(n, 3, 2, 1) for n in args.channels)
    if raster:
        chosen["num_steps"] = stream.shape[0]
    return DeepConfig(**chosen)


def _ignore(task: int, epoch: int, row: np.ndarray) -> None:
    """Nobody else is told; the progress bar shows the accuracies."""


def _tensorboard(args: TrainArgs, stream: Stream, stack: ExitStack) -> Watch:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "--tensorboard needs the package tensorboard: pip install 'neuromorph[tensorboard]'."
        ) from error
    writer = stack.enter_context(SummaryWriter(str(args.tensorboard)))

    def watch(task: int, epoch: int, row: np.ndarray) -> None:
        step = task * args.epochs + epoch + 1
        for k, value in enumerate(row):
            writer.add_scalar(f"accuracy/{k + 1:02d} {stream[k].name}", value, step)
        writer.add_scalar("accuracy/mean of tasks so far", row.mean(), step)
        writer.flush()

    return watch
