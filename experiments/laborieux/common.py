"""What the pages of this folder share: arguments, the networks by name, runs that go on, the table and its figure."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from neuromorph.atomic import replacing, write_json
from neuromorph.figures import COLOURS
from neuromorph.learner import Learner
from neuromorph.learners.control import ControlLearner, Metaplasticity, TrainingConfig
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream
from neuromorph.snn.baselines import ControlConfig, SpikingConfig
from neuromorph.streams import Stream

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

    def training(self, m: float, seed: int, **network) -> TrainingConfig:
        """The binarized control (or ``binary=False``) with batch norm; ``network``: fields of ``ControlConfig``."""
        network = {"fast": self.fast and network.get("binary", True), **network}
        return self._training(ControlConfig(self.sizes(), **network), m, seed)

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

    epochs: passes over every task, or over each, in place of the page's.
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


def run(row: Row, page: Page, name: str, seed: int) -> Path:
    """The file of one row and one seed: written when the run is done; an unfinished one goes on."""
    learner, stream = row.learner(seed), row.stream(seed)
    epochs = row.epochs or page.epochs
    sizes = [len(stream), len(stream[0].train[1]), len(stream[0].test[1])]
    asked = [learner.description, stream.name, *sizes, epochs, row.line, row.norm]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
    done = page.out / "cells" / f"{name}-{digest}-{seed}.json"
    if not done.exists():
        unfinished, label = done.with_suffix(".pt"), f"{row.network} {row.method} seed {seed}"
        matrix = learn_stream(learner, stream, epochs, seed, unfinished, label=label, progress=page.jobs == 1)
        write_json(done, {"accuracy": matrix.accuracy.tolist(), "baseline": matrix.baseline.tolist()})
        unfinished.unlink()
    return done


def measure(rows: Sequence[Row], page: Page, name: str) -> list[AccuracyMatrix]:
    """One run a row and a seed, ``page.jobs`` at a time; the last axis of a matrix is the seed."""
    calls = [delayed(run)(row, page, name, seed) for row in rows for seed in range(page.seeds)]
    files = Parallel(page.jobs, return_as="generator")(calls)
    files = list(tqdm(files, name, len(calls), disable=page.jobs == 1))
    found = [json.loads(file.read_text()) for file in files]
    return [
        AccuracyMatrix(
            *(np.stack([np.array(f[k]) for f in found[n : n + page.seeds]], -1) for k in ("accuracy", "baseline"))
        )
        for n in range(0, len(found), page.seeds)
    ]


def report(rows: Sequence[Row], page: Page, name: str, chance: float = 0.1) -> list[AccuracyMatrix]:
    """Run every row, print the table and write it as JSON."""
    matrices = measure(rows, page, name)
    networks = list(dict.fromkeys(row.network for row in rows))
    lines = list(dict.fromkeys(row.line for row in rows))
    cells = {(row.line, row.network): matrix for row, matrix in zip(rows, matrices, strict=True)}
    norms = {n: " or ".join(dict.fromkeys(r.norm for r in rows if r.network == n)) for n in networks}
    print(f"{name}: mean +- sd over {page.seeds} seeds, percent; A average accuracy, F forgetting; chance {chance:.0%}")
    print("norm: " + "; ".join(f"{n}: {norm}" for n, norm in norms.items()))
    head = ("method", "scenario", "told or reset at a boundary", "published")
    widths = [max(len(text) for text in column) + 2 for column in zip(head, *lines, strict=True)]
    print("".join(f"{t:{w}}" for t, w in zip(head, widths, strict=True)) + "".join(f"{n:32}" for n in networks))
    for line in lines:
        values = [_cell(cells.get((line, n))) for n in networks]
        print("".join(f"{t:{w}}" for t, w in zip(line, widths, strict=True)) + "".join(f"{v:32}" for v in values))
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
    spread = 1 if matrix.accuracy.shape[-1] > 1 else 0
    text = [
        f"{100 * v.mean():.1f} +- {100 * v.std(ddof=spread):.1f}" for v in (matrix.average_accuracy, matrix.forgetting)
    ]
    return f"A {text[0]}" + (f"  F {text[1]}" if matrix.tasks > 1 else "")


def bars(rows: Sequence[Row], matrices: Sequence[AccuracyMatrix], ax: Axes, chance: float = 0.1) -> Axes:
    """Average accuracy of every row, networks in colours, one standard deviation, chance as a line."""
    networks = list(dict.fromkeys(row.network for row in rows))
    labels = list(dict.fromkeys((row.method, row.boundary) for row in rows))
    for row, matrix in zip(rows, matrices, strict=True):
        k, values = networks.index(row.network), matrix.average_accuracy
        place = labels.index((row.method, row.boundary)) + 0.8 * ((k + 0.5) / len(networks) - 0.5)
        ax.barh(place, values.mean(), 0.7 / len(networks), xerr=values.std(), color=COLOURS[k], error_kw={"lw": 0.8})
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
        mean, sd, (again, colour) = values.mean(-1), values.std(-1), divmod(k, len(COLOURS))
        ax.plot(x, mean, "s--" if again else "o-", ms=3, lw=1.2, color=COLOURS[colour], label=label)
        ax.fill_between(x, mean - sd, mean + sd, color=COLOURS[colour], alpha=0.15, lw=0)
    ax.legend(fontsize=7, frameon=False)
    return ax


def save(figure: Figure, path: Path) -> None:
    """Write the figure, whole or not at all."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=150)
    print(f"figure: {path}")
