"""``neuromorph train``: the deep binarized spiking network on a task stream, and a checkpoint to deploy."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuromorph import streams
from neuromorph.atomic import replacing
from neuromorph.learner import Learner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream
from neuromorph.streams import Stream

Watch = Callable[[int, int, np.ndarray], None]


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
    encoding: Literal["current", "rate", "latency", "raster"] = "current"
    """How images are shown: as graded currents, as spikes by rate or latency; raster for event frames (nmnist)."""
    num_steps: int = 6
    """Steps of a sample; a raster brings its own."""
    beta: float = 0.9
    """Membrane decay a step, rounded to the chip's grid of 1/4096."""
    input_bits: int = 4
    """Bits of the graded input spikes; 1 sends binary ones, which Loihi 1 has too."""
    batch: int = 50
    """Samples of an update."""
    m: float = 4.0
    """Metaplasticity; 0 protects nothing."""
    relative: bool = True
    """Count m in units of 1 / mean|hidden weight| of the layer; otherwise m must match the length of training."""
    variance: str = "layer"
    """What Adam divides a step by: the root-mean-square gradient of the layer, or of each weight ("weight")."""
    lr: float = 0.005
    """Learning rate."""
    weight_decay: float = 0.0
    """Decay of the hidden weights, added to the gradient."""
    fast: bool = False
    """Compiled update and neurons, 8-bit products forward (exact), bfloat16 products for gradients (rounded)."""
    seed: int = 0
    """Of the stream, the initial weights and the order of samples."""
    out: Path = Path("runs/network.pt")
    """The checkpoint to deploy; a run that is not finished keeps NAME.unfinished.pt beside it."""
    tensorboard: Path | None = None
    """Folder for TensorBoard: after each epoch the accuracy on every task so far, and their mean."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""


def train(args: TrainArgs) -> None:
    """Raises ``ValueError``, ``OSError`` or ``ImportError`` with one sentence for a mistake."""
    import torch

    stream = streams.by_name(args.stream, args.tasks, args.seed, args.samples or None, args.test_samples or None)
    learner = _learner(args, stream)
    unfinished = args.out.with_suffix(".unfinished.pt")
    with ExitStack() as stack:
        watch = _tensorboard(args, stream, stack) if args.tensorboard else _ignore
        matrix = learn_stream(learner, stream, args.epochs, args.seed, checkpoint=unfinished, watch=watch)
    content: dict[str, Any] = {
        "arguments": {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()},
        "learner": learner.state_dict(),
        "accuracy": torch.from_numpy(matrix.accuracy),
    }
    with replacing(args.out) as temporary:
        torch.save(content, temporary)
    unfinished.unlink()
    print(accuracies(matrix, stream))
    print(f"{stream.name}: average accuracy {matrix.average_accuracy:.3f}, forgetting {matrix.forgetting:.3f}")
    print(f"saved {args.out}; deploy it with: neuromorph deploy {args.out}")


def accuracies(matrix: AccuracyMatrix, stream: Stream) -> str:
    """The matrix in percent: a row for each task learned, a column for each task tested."""
    names = [task.name for task in stream]
    width = max(len("before learning"), *(len(name) + len("after ") for name in names))
    rows = zip(["before learning", *(f"after {n}" for n in names)], [matrix.baseline, *matrix.accuracy], strict=True)
    lines = [f"{label:{width}}" + "".join(f"{100 * value:7.1f}" for value in row) for label, row in rows]
    return "\n".join(
        [f"{'percent right on task':{width}}" + "".join(f"{k:7}" for k in range(1, len(names) + 1)), *lines]
    )


def _learner(args: TrainArgs, stream: Stream) -> Learner:
    from neuromorph.learners.deep import DeepConfig, DeepLearner
    from neuromorph.snn import Convolution

    raster = args.encoding == "raster"
    return DeepLearner(
        DeepConfig(
            sizes=(int(np.prod(stream.shape[raster:])), *args.hidden, stream.outputs),
            encoding=args.encoding,
            image=(1, *stream.shape) if args.channels else (),
            convolutions=tuple(Convolution(n, 3, 2, 1) for n in args.channels),
            m=args.m,
            relative=args.relative,
            variance=args.variance,
            lr=args.lr,
            weight_decay=args.weight_decay,
            batch=args.batch,
            num_steps=stream.shape[0] if raster else args.num_steps,
            beta=args.beta,
            input_bits=args.input_bits,
            fast=args.fast,
            seed=args.seed,
            device=args.device,
        )
    )


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
