"""A billion synapses on many chips: cores, chips, spikes that cross a border, and what binds, beside published sizes.

The network is a shape (a million neurons, a thousand sources each, spikes with probability .02 a step, sources at
random); MNIST's 784-256-10 for comparison. Figure: load of a core of each population; cores beside published systems.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib

from neuromorph.atomic import replacing
from neuromorph.lava.placement import Population, Projection, Shape, draw, draw_systems, place
from neuromorph.stopping import run_page

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@dataclass(frozen=True)
class Args:
    """Placement of a large network."""

    neurons: int = 1_000_000
    """Neurons, four fifths of them excitatory."""
    fan_in: int = 1000
    """Synapses a neuron."""
    bits: int = 8
    """Bits a weight."""
    out: Path = Path("runs/placement.svg")
    """Figure to write."""


def main(args: Args) -> None:
    size = {"E": args.neurons * 4 // 5, "I": args.neurons // 5}
    fan_in = {"E": args.fan_in * 4 // 5, "I": args.fan_in // 5}
    large = Shape(
        tuple(Population(name, n) for name, n in size.items()),
        tuple(Projection(source, target, fan_in[source]) for source in size for target in size),
    )
    mnist = Shape(
        (Population("input", 784, 0.1, host=True), Population("hidden", 256), Population("classes", 10)),
        (Projection("input", "hidden", 784), Projection("hidden", "classes", 256)),
    )
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    chips = ("loihi1", "loihi2")
    for chip in chips:
        print(place(mnist, chip, args.bits))
    placed = [place(large, chip, args.bits) for chip in chips]
    for ax, one in zip(axes, placed, strict=False):
        print(one)
        draw(one, ax)
    axes[0].legend(loc="upper center", fontsize=7, ncols=2)
    draw_systems(placed, axes[2])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(args.out) as unfinished, plt.rc_context({"svg.hashsalt": "neuromorph", "svg.fonttype": "none"}):
        figure.savefig(unfinished, metadata={"Date": None}, format="svg")


if __name__ == "__main__":
    run_page(main, Args)
