"""What the pages of this folder share: arguments, the networks by name, the table and its figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromorph.atomic import replacing, write_json
from neuromorph.figures import COLOURS
from neuromorph.learner import Learner
from neuromorph.learners.control import ControlLearner, Metaplasticity, TrainingConfig
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.snn.baselines import ControlConfig, SpikingConfig
from neuromorph.streams import Stream, StreamWords
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread, stacked
from neuromorph.tables import deviation

BINARY, SPIKING, FULL = "non-spiking", "spiking", "full precision"
RESET = "optimiser reset, norm per task"  # what the published code uses a boundary for


@dataclass(frozen=True)
class Page:
    """What every page can be asked."""

    hidden: tuple[int, ...] = (4096, 4096)
    """Hidden layers."""
    epochs: int = 40
    """Passes over each task."""
    samples: int | None = None
    """Training samples of a data set at most; None takes all."""
    test_samples: int | None = None
    """Test samples of a data set at most."""
    batch: int = 100
    """Samples of an update."""
    lr: float = 0.005
    """Learning rate."""
    weight_decay: float = 1e-7
    """Added to the gradient."""
    num_steps: int = 6
    """Steps of a sample in the spiking network."""
    seeds: int = 5
    """Runs."""
    jobs: int = 1
    """Runs at a time, each on its share of the processor; for layers below some 500 units the fastest way."""
    scheduler: str = ""
    """tcp://HOST:PORT of a Dask scheduler whose workers run them (docs/cluster.md)."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""
    fast: bool = False
    """Compiled loops and updates, forward products of few bits (the same scores) and bfloat16 gradients."""
    quick: bool = False
    """Sizes for two slow cores; they replace what is said above."""
    out: Path = Path("runs/laborieux")
    """Folder of the table, the figure and unfinished runs, which go on when the same is asked again."""

    def sizes(self, classes: int = 10, features: int = 784) -> tuple[int, ...]:
        return (features, *self.hidden, classes)

    def stream(self, name: str, tasks: int) -> StreamWords:
        """A stream in words, with the page's numbers of samples, as a function of the seed."""
        return StreamWords(name, tasks, self.samples, self.test_samples)

    def training(self, m: float, seed: int, kind: type[ControlConfig] = ControlConfig, **network) -> TrainingConfig:
        """The binarized control (or ``binary=False``) with batch norm; ``network``: fields of ``ControlConfig``."""
        network = {"fast": self.fast and network.get("binary", True), **network}
        return self._training(kind(self.sizes(), **network), m, seed)

    def spiking_training(self, m: float, seed: int, **network) -> TrainingConfig:
        """The spiking network in a learner of the controls; ``network``: fields of ``SpikingConfig``."""
        return self._training(SpikingConfig(self.sizes(), self.num_steps, fast=self.fast, **network), m, seed)

    def _training(self, network: ControlConfig | SpikingConfig, m: float, seed: int) -> TrainingConfig:
        rule = Metaplasticity(m, self.lr, weight_decay=self.weight_decay, compiled=self.fast)
        return TrainingConfig(network, rule, self.batch, seed, self.device)

    def learner(self, network: str, m: float, seed: int) -> Learner:
        """The boundary-free learner of a network named above, with the published rule."""
        if network == SPIKING:
            return ControlLearner(self.spiking_training(m, seed))
        return ControlLearner(self.training(m, seed, binary=network == BINARY))

    def default(self, m: float, seed: int) -> DeepLearner:
        """The spiking network with this project's own rule: m relative to the layer's weights, the layer's variance."""
        options = {"num_steps": self.num_steps, "weight_decay": self.weight_decay}
        options |= {"device": self.device, "fast": self.fast}
        return DeepLearner(DeepConfig(self.sizes(), m, self.lr, self.batch, seed=seed, **options))


@dataclass(frozen=True)
class Row:
    """A method on a network. boundary: what is told or reset; norm: of the network; published: number or not found.

    learner, stream: functions of the seed. epochs: passes over every task, or over each, in place of the page's.
    """

    method: str
    network: str
    learner: Callable[[int], Learner]
    stream: Callable[[int], Stream]
    boundary: str = "nothing"
    scenario: str = "domain"
    norm: str = "batch-running"
    published: str = "not found"
    epochs: int | tuple[int, ...] | None = None

    @property
    def line(self) -> tuple[str, ...]:
        return self.method, self.scenario, self.boundary, self.published


def measure(rows: Sequence[Row], page: Page, name: str) -> list[AccuracyMatrix]:
    """One run a row and a seed, ``page.jobs`` at a time; the last axis of a matrix is the seed."""
    check_seeds(page.seeds)
    cells = [
        Cell(f"{name} {row.network} {row.method} seed {seed}", row.learner, row.stream, seed, row.epochs or page.epochs)
        for row in rows
        for seed in range(page.seeds)
    ]
    found = run_study(cells, page.out, page.jobs if page.jobs != 1 else None, page.scheduler, title=name)
    return [stacked(found[n : n + page.seeds]) for n in range(0, len(found), page.seeds)]


def report(rows: Sequence[Row], page: Page, name: str, chance: float = 0.1) -> list[AccuracyMatrix]:
    """Run every row, print the table and write it as JSON."""
    matrices = measure(rows, page, name)
    networks = list(dict.fromkeys(row.network for row in rows))
    lines = list(dict.fromkeys(row.line for row in rows))
    cells = {(row.line, row.network): matrix for row, matrix in zip(rows, matrices, strict=True)}
    norms = {n: " or ".join(dict.fromkeys(r.norm for r in rows if r.network == n)) for n in networks}
    print(
        f"{name}: mean +- sd over {several(page.seeds)}, percent; A average accuracy, F forgetting; chance {chance:.0%}"
    )
    print("norm: " + "; ".join(f"{n}: {norm}" for n, norm in norms.items()))
    head = ("method", "scenario", "told or reset at a boundary", "published", *networks)
    print(columns([head, *((*line, *(_cell(cells.get((line, n))) for n in networks)) for line in lines)]))
    names = ("method", "scenario", "boundary", "published")
    content = [
        dict(zip(names, row.line, strict=True))
        | {"network": row.network, "norm": row.norm, "accuracy": m.accuracy.tolist(), "baseline": m.baseline.tolist()}
        for row, m in zip(rows, matrices, strict=True)
    ]
    write_json(page.out / f"{name}.json", {"chance": chance, "rows": content})
    return matrices


def _cell(matrix: AccuracyMatrix | None) -> str:
    if matrix is None:
        return "-"
    forgetting = f"  F {spread(matrix.forgetting, '+-')}" if matrix.tasks > 1 else ""
    return f"A {spread(matrix.average_accuracy, '+-')}{forgetting}"


def bars(rows: Sequence[Row], matrices: Sequence[AccuracyMatrix], ax: Axes, chance: float = 0.1) -> Axes:
    """Average accuracy of every row, networks in colours, one standard deviation, chance as a line."""
    networks = list(dict.fromkeys(row.network for row in rows))
    labels = list(dict.fromkeys((row.method, row.boundary) for row in rows))
    for row, matrix in zip(rows, matrices, strict=True):
        k, values = networks.index(row.network), matrix.average_accuracy
        place = labels.index((row.method, row.boundary)) + 0.8 * ((k + 0.5) / len(networks) - 0.5)
        ax.barh(
            place, values.mean(), 0.7 / len(networks), xerr=deviation(values), color=COLOURS[k], error_kw={"lw": 0.8}
        )
    for k, network in enumerate(networks):
        ax.barh(0, 0, color=COLOURS[k], label=network)
    ax.axvline(chance, color="0.5", lw=0.8, ls=":")
    text = [m if b == "nothing" else f"{m}\n({b})" for m, b in labels]
    ax.set_yticks(range(len(labels)), text, fontsize=7)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="average accuracy")
    ax.legend(fontsize=7, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncol=len(networks))
    return ax


def curves(x: Sequence[float], lines: Mapping[str, np.ndarray], ax: Axes) -> Axes:
    """Lines [point, seed] against ``x``, with one standard deviation."""
    for k, (label, values) in enumerate(lines.items()):
        mean, sd, (again, colour) = values.mean(-1), deviation(values, -1), divmod(k, len(COLOURS))
        ax.plot(x, mean, "s--" if again else "o-", ms=3, lw=1.2, color=COLOURS[colour], label=label)
        ax.fill_between(x, mean - sd, mean + sd, color=COLOURS[colour], alpha=0.15, lw=0)
    if lines:
        ax.legend(fontsize=7, frameon=False)
    return ax


def save(figure: Figure, path: Path) -> None:
    """Write the figure, whole or not at all."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=150)
    print(f"figure: {path}")
