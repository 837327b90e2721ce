"""What to read out of a deployed network: its training read-out, spike counts, or the drive of its outputs.

The same network is trained with each read-out of ``snn.NetworkConfig``. Counts and drive are those of the integer
reference, which equals Lava spike for spike.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neuromorph import data
from neuromorph.atomic import write_json
from neuromorph.lava import deploy
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.snn.network import READOUTS
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    """Compare read-outs on MNIST."""

    train_samples: int = 6000
    """Images that the network learns from."""
    test_samples: int = 2000
    """Images that it is tested on."""
    epochs: int = 2
    """Passes over the training images."""
    hidden: int = 256
    """Hidden neurons."""
    num_steps: tuple[int, ...] = (6, 20)
    """Steps of an image."""
    seed: int = 0
    """Of the initial weights."""
    out: Path = Path("runs/readouts.json")
    """Where the numbers go."""


def main(args: Args) -> None:
    torch.set_num_threads(1)
    mnist = data.load("mnist").limited(args.train_samples, args.test_samples)
    x, y = mnist.test[0].reshape(len(mnist.test[0]), -1), mnist.test[1]
    print(f"784-{args.hidden}-10, {len(mnist.train[0])} images, {args.epochs} epochs; accuracy on {len(x)} others")
    print(f"{'steps':>6}  {'trained with':16}{'its own':>10}{'counts':>10}{'drive':>10}")
    rows = []
    for steps in args.num_steps:
        for readout in READOUTS:
            sizes = (784, args.hidden, 10)
            learner = DeepLearner(DeepConfig(sizes=sizes, num_steps=steps, m=0.0, readout=readout, seed=args.seed))
            for _ in range(args.epochs):
                learner.partial_fit(*mnist.train)
            deployment = deploy(learner.network)
            answers = (
                learner.predict(x),
                deployment.reference(x).sum(0).argmax(1),
                deployment.reference_drive(x).argmax(1),
            )
            accuracies = [float(np.mean(classes == y)) for classes in answers]
            print(f"{steps:>6}  {readout:16}" + "".join(f"{accuracy:10.4f}" for accuracy in accuracies))
            rows.append({"steps": steps, "readout": readout, "own_counts_drive": accuracies})
    write_json(args.out, rows)


if __name__ == "__main__":
    run_page(main, Args)
