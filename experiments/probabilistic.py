"""Probabilistic metaplasticity with multi-level devices: split MNIST and Fashion-MNIST, protected or not.

Anchors: Zohora, Karia, Soures & Kudithipudi 2024, Sci Rep 14 (s41598-024-78290-w), table 1 and the results of their
repository: 784-200-2, spikes, domain-incremental, one pass, no boundary told; 7 devices a weight 83.7 +- .8 (MNIST) and
93.2 +- .1 (Fashion-MNIST), 2 devices 82.7 and 92.4, 1 device 81.1 and 92.6, without metaplasticity 57.9 (MNIST, 1
device); with 25 000, 8000 and 2000 images 83.5, 81.8 and 79.9. Constants and levels of the devices are theirs, unless
``--levels``. Ours, that with fewer images m grows faster in proportion, unless ``--as-published``; what theirs did
there is unknown to us.

``--quick``: 200 of the 8x8 digits, 30 units, one seed.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fusi_models.checks import some_of
from neuromorph.atomic import write_json
from neuromorph.learners.probabilistic import ProbabilisticConfig, ProbabilisticLearner, constants
from neuromorph.local_rule.devices import Devices
from neuromorph.metrics import AccuracyMatrix
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.streams.words import images_of, limits
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread, stacked

IMAGES = 60_000
PUBLISHED = {("mnist", 7): "83.7 +- .8", ("mnist", 2): "82.7 +- 1.2", ("mnist", 1): "81.1 +- 1.5"}
PUBLISHED |= {
    ("fashion-mnist", 7): "93.2 +- .1",
    ("fashion-mnist", 2): "92.4 +- .6",
    ("fashion-mnist", 1): "92.6 +- 1.5",
}
PUBLISHED |= {("mnist", 0): "57.9 +- 1.6 (1 device)"}


@dataclass(frozen=True)
class Args:
    """Probabilistic metaplasticity with multi-level devices."""

    data: tuple[str, ...] = ("mnist", "fashion-mnist")
    """mnist, fashion-mnist or digits."""
    devices: tuple[int, ...] = (7, 2, 1)
    """Devices of a weight."""
    control: bool = True
    """The last number of devices once more, without metaplasticity."""
    samples: int = IMAGES
    """Training images of a data set, at most; 0 takes all."""
    test_samples: int = 2000
    """Test images of the data set; 0 takes all."""
    levels: int = Devices.levels
    """Of a device, in equal steps of conductance; 0 takes the ten measured ones."""
    spread: float = Devices.spread
    """Standard deviation of a written resistance over its mean; the measured levels have their own."""
    growth: tuple[float, float] = (1.0, 1.0)
    """Of m in the hidden and the output layer, over the published; with fewer images, more in proportion."""
    as_published: bool = False
    """m grows by the published steps, however few the images are."""
    seeds: int = 5
    """Runs."""
    jobs: int = 1
    """Runs at a time."""
    quick: bool = False
    """Seconds; replaces data, devices, samples and seeds."""
    out: Path = Path("runs/probabilistic")
    """Folder of the table and of finished and unfinished runs."""


QUICK = {"data": ("digits",), "devices": (2,), "samples": 200, "test_samples": 100, "seeds": 1}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    some_of("data", args.data, ("mnist", "fashion-mnist", "digits"))
    most = limits(args.samples, args.test_samples)
    images = {name: images_of(name, args.samples) for name in args.data}
    kinds = [*((count, True) for count in args.devices), *((args.devices[-1], False),) * args.control]
    rows = [(data, *kind) for data in args.data for kind in kinds]
    cells = [
        Cell(
            name(*row, seed),
            partial(learner, args, images[row[0]], *row),
            StreamWords(f"split-{row[0]}", 5, *most),
            seed,
            threads=1,
        )
        for row in rows
        for seed in range(args.seeds)
    ]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="probabilistic")
    matrices = [stacked(found[n : n + args.seeds]) for n in range(0, len(found), args.seeds)]
    print(
        f"{', '.join(f'{count} images of {name}' for name, count in images.items())}, once, "
        f"domain-incremental, {args.levels or 'measured'} levels a device; percent, mean +- sd "
        f"over {several(args.seeds)}; chance 50; growth of m times "
        + ", ".join("{:g} and {:g}".format(*growth(args, *one)) for one in images.items())
    )
    head = ("data", "devices", "m", "accuracy", "just learned", "BWT", "tasks at the end", "published (60 000)")
    print(columns([head, *(line(row, m) for row, m in zip(rows, matrices, strict=True))]))
    content = [[*row, m.accuracy.tolist()] for row, m in zip(rows, matrices, strict=True)]
    write_json(args.out / f"probabilistic-{args.samples}.json", {"rows": content})


def name(data: str, count: int, kept: bool, seed: int) -> str:
    return f"{data} {count} devices {'m' if kept else 'no m'} seed {seed}"


def growth(args: Args, data: str, images: int) -> tuple[float, float]:
    """Of m in the two layers, over the published; nothing is published for the digits."""
    if args.as_published:
        return 1.0, 1.0
    fewer = 1.0 if data == "digits" else IMAGES / images
    return args.growth[0] * fewer, args.growth[1] * fewer


def learner(args: Args, images: int, data: str, count: int, kept: bool, seed: int) -> ProbabilisticLearner:
    config = constants(data, count)
    if data == "digits":
        config = ProbabilisticConfig(hidden=30, traces=(2.0, 1.0, 1.0))
    hidden, output = growth(args, data, images)
    dm = (config.dm[0] * hidden * kept, config.dm[1] * output * kept)
    config = replace(config, devices=Devices(count, args.levels, args.spread), dm=dm)
    return ProbabilisticLearner(64 if data == "digits" else 784, 2, config, seed)


def line(row: tuple[str, int, bool], matrix: AccuracyMatrix) -> tuple[str, ...]:
    data, count, kept = row
    tasks = " ".join(f"{100 * v:.0f}" for v in matrix.accuracy[-1].mean(-1))
    values = (matrix.average_accuracy, matrix.learning_accuracy, matrix.backward_transfer)
    published = PUBLISHED.get((data, count if kept else 0), "-")
    return data, str(count), "grows" if kept else "0", *(spread(v, "+-") for v in values), tasks, published


if __name__ == "__main__":
    run_page(main, Args)
