"""MNIST then USPS with a small binary convolutional network and few images.

Laborieux et al. 2021, Nat Commun 12:2549, figure 4 c-d: convolutions of 12, 20, 30 channels (4x4, mean-pooled by 2) and
one linear layer, 2000 images of MNIST and 1800 of USPS (padded to 28x28), batches of 20, 240 epochs, m = 1.2, one
optimiser, batch statistics at test time; beside it a network of half the channels, m = 0, on one of the two tasks
alone. Their numbers could not be found. The spiking network has strides of 2 in the place of the pooling.
``--quick``: 5 epochs.
"""

from dataclasses import dataclass, replace

from common import BINARY, SPIKING, Page, Row, bars, report, save
from matplotlib.figure import Figure

from neuromorph import streams
from neuromorph.data import load
from neuromorph.learners import ControlLearner, TaskControlLearner
from neuromorph.snn import Convolution
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """Few images, shared convolutions."""

    hidden: tuple[int, ...] = ()
    """Hidden layers behind the convolutions."""
    channels: tuple[int, ...] = (12, 20, 30)
    """Channels of the convolutions."""
    half: tuple[int, ...] = (6, 10, 15)
    """Channels of the network that learns one task alone."""
    ms: tuple[float, ...] = (0.0, 1.2)
    """Metaplasticity."""
    epochs: int = 240
    """Passes over each task."""
    batch: int = 20
    """Samples of an update."""
    weight_decay: float = 1e-8
    """Added to the gradient."""


QUICK = {"epochs": 5, "ms": (0.0, 10.0), "seeds": 2, "test_samples": 1000}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    rows = table(args)
    matrices = report(rows, args, "mnist_usps")
    page = Figure(figsize=(7, 3.6), layout="constrained")
    bars(rows, matrices, page.subplots()).set_title("2000 images of MNIST, then 1800 of USPS", fontsize=10, loc="left")
    save(page, args.out / "mnist_usps.png")


def table(args: Args) -> list[Row]:
    def stream(seed):  # the numbers of images differ, which cannot be said in words
        sizes = (("mnist", 2000), ("usps", 1800))
        return streams.sequence([load(name).limited(n, args.test_samples) for name, n in sizes])

    def binary(m, seed, channels=args.channels, norm="batch-running"):
        return args.training(m, seed, channels=(1, *channels), affine=False, norm=norm, threshold=0.0)

    def spiking(m, seed, channels=args.channels):
        shape = {"image": (1, 28, 28), "convolutions": tuple(Convolution(c, 4, 2, 1) for c in channels)}
        return ControlLearner(args.spiking_training(m, seed, **shape))

    rows = []
    for m in args.ms:
        rows.append(Row(f"m = {m:g}", BINARY, lambda s, m=m: ControlLearner(binary(m, s)), stream))
        rows.append(Row(f"m = {m:g}", SPIKING, lambda s, m=m: spiking(m, s), stream, norm="none"))
        rows.append(
            Row(
                f"m = {m:g}",
                BINARY,
                lambda s, m=m: TaskControlLearner(binary(m, s, norm="batch-statistics"), False, False),
                stream,
                "one task in a test batch",
                "task",
                "batch-statistics",
            )
        )
    for k, name in enumerate(("MNIST", "USPS")):

        def alone(seed, k=k):
            return stream(seed)[k : k + 1]

        method = f"half the channels, {name} alone"
        rows.append(Row(method, BINARY, lambda s: ControlLearner(binary(0.0, s, args.half)), alone))
        rows.append(Row(method, SPIKING, lambda s: spiking(0.0, s, args.half), alone, norm="none"))
    return rows


if __name__ == "__main__":
    run_page(main, Args)
