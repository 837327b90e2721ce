"""``neuromorph train``: the deep binarized spiking network on a task stream, and a checkpoint to deploy."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import streams
from neuromorph.files import replacing
from neuromorph.run import learn_stream


@dataclass(frozen=True)
class TrainArgs:
    """Train the deep binarized spiking network on a stream, and save a checkpoint for ``neuromorph deploy``."""

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
    num_steps: int = 6
    """Steps of a sample."""
    beta: float = 0.9
    """Membrane decay a step, rounded to the chip's grid of 1/4096."""
    input_bits: int = 4
    """Bits of the graded input spikes; 1 sends binary ones, which Loihi 1 has too."""
    m: float = 25.0
    """Metaplasticity; 0 protects nothing."""
    lr: float = 0.005
    """Learning rate."""
    seed: int = 0
    """Of the stream, the initial weights and the order of samples."""
    out: Path = Path("runs/network.pt")
    """The checkpoint."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""


def train(args: TrainArgs) -> None:
    """Raises ``ValueError`` or ``OSError`` with one sentence for a mistake."""
    import torch

    from neuromorph.learners.deep import DeepConfig, DeepLearner

    stream = streams.by_name(args.stream, args.tasks, args.seed, args.samples or None, args.test_samples or None)
    learner = DeepLearner(
        DeepConfig(
            sizes=(int(np.prod(stream.shape)), *args.hidden, stream.outputs),
            m=args.m,
            lr=args.lr,
            num_steps=args.num_steps,
            beta=args.beta,
            input_bits=args.input_bits,
            seed=args.seed,
            device=args.device,
        )
    )
    matrix = learn_stream(learner, stream, args.epochs, args.seed)
    content: dict[str, Any] = {
        "arguments": {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()},
        "learner": learner.state_dict(),
        "accuracy": torch.from_numpy(matrix.accuracy),
    }
    with replacing(args.out) as unfinished:
        torch.save(content, unfinished)
    print(f"{stream.name}: average accuracy {matrix.average_accuracy:.3f}, forgetting {matrix.forgetting:.3f}")
    print(f"saved {args.out}; deploy it with: neuromorph deploy {args.out}")
