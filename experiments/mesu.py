"""Bayesian synapses on permuted MNIST: MESU, Bayesian gradient descent and BiMU, one image at a time, one pass.

Anchors: Bonnet et al. 2025 (Nat Commun 16:9614; 784-50-10, N = 3e5, mean of the last five tasks 91.3, of all tasks
94.1, 90.5, 79.4 and 56.7 after 1, 5, 10 and 20; OOD AUC .94; FOO-VB diagonal 75.3 over all 20, with a wrong sign in its
public code; SGD last five 55.4 after 200) and Cottart et al. 2026 (arXiv:2605.30198; 784-100-10, last five and last
twenty of 1000 tasks). Domain-incremental; nothing is told or reset. Ours: the networks and constants of their code,
other permutations and test images, and one random number for each sum in place of one for each weight (``local`` of
``snn.posterior``: the same in distribution for Gaussian weights, an approximation for binary ones). N scales with
the number of images of a task, so that it is the same number of tasks. OOD: how well disagreement between samples of
the weights (mutual information), or the entropy of the prediction, tells Fashion-MNIST from the test images of the
last task, both permuted alike.

``--quick``: three permutations of 300 of the 8x8 digits, one seed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from fusi_models.checks import one_of, some_of
from neuromorph.atomic import write_json
from neuromorph.data import load
from neuromorph.learners.bgd import BGDRule
from neuromorph.learners.bimu import BimuRule, bimu_network
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.mesu import MesuRule
from neuromorph.learners.plain import PlainRule
from neuromorph.learners.sampled import SampledLearner
from neuromorph.metrics import AccuracyMatrix
from neuromorph.run import learn_stream
from neuromorph.snn.posterior import GaussianConfig
from neuromorph.snn.sampled import SampledConfig
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.streams.words import images_of, limits
from neuromorph.study import Cell, Result, check_seeds, columns, run_study, several, spread, stacked

METHODS = ("MESU", "MESU N=inf", "BGD", "SGD", "BiMU")
IMAGES = 60_000  # of a task of the papers
ANCHORS = {"MESU": "91.3 / 56.7", "BGD": "68.7 / 75.3 (sign)", "SGD": "55.4 / -"}
ANCHORS |= {"BiMU N=400": "73.5 / 27.9", "BiMU N=700": "90.3 / 58.3", "BiMU N=1000": "89.1 / 73.7"}
ANCHORS |= {"BiMU N=1600": "86.9 / 75.8"}
"""Last five / all (or last) twenty tasks, percent."""


@dataclass(frozen=True)
class Args:
    """MESU, BGD, BiMU and an unprotected network on permuted images."""

    methods: tuple[str, ...] = ("MESU", "BGD", "SGD", "BiMU")
    """Some of MESU, MESU N=inf, BGD, SGD, BiMU."""
    tasks: int = 20
    """Permutations."""
    samples: int = IMAGES
    """Images of a task, at most; 0 takes all."""
    test_samples: int = 2000
    """Test images of a task."""
    windows: tuple[int, ...] = (400, 700, 1000, 1600)
    """N of BiMU for tasks of 60 000 images."""
    hidden: int = 50
    """Hidden units of the Gaussian networks; BiMU has twice as many."""
    data: str = "mnist"
    """mnist or digits."""
    others: str | None = None
    """Images of no class that was learned, of the same size, beside mnist by default fashion-mnist; empty: no OOD."""
    seeds: int = 3
    """Runs."""
    jobs: int = 1
    """Runs at a time."""
    quick: bool = False
    """Seconds in place of an hour; replaces what is said above but methods, windows and jobs."""
    out: Path = Path("runs/mesu")
    """Folder of the table and of finished and unfinished runs."""


QUICK = {"tasks": 3, "samples": 300, "test_samples": 100, "hidden": 20, "data": "digits", "others": "", "seeds": 1}


@dataclass(frozen=True)
class Judged(Cell):
    """A cell whose learner is also asked, at the end, about images of the last task and of another data set."""

    others: Callable[[int], Any] | None = None

    def fingerprint(self) -> Mapping[str, Any]:
        others = self.others(self.seeds) if self.others else None
        return {**super().fingerprint(), "others": others.digest if others else ""}

    def compute(self, unfinished: Path | None, label: str, progress: bool) -> Result:
        learner, stream = self.learner(self.seeds), self.built()
        begun = time.perf_counter()
        matrix = learn_stream(learner, stream, self.epochs, self.seeds, unfinished, progress=progress, label=label)
        arrays = {"accuracy": matrix.accuracy, "baseline": matrix.baseline, "auc": np.empty(0)}
        if self.others:
            arrays["auc"] = auc(learner, stream[len(stream) - 1], self.others(self.seeds)[len(stream) - 1])
        return Result(arrays, time.perf_counter() - begun)


def auc(learner: SampledLearner, known: Any, unknown: Any) -> np.ndarray:
    """Area under the curve of disagreement, and of the whole entropy."""
    inside, outside = learner.uncertainty(known.test[0]), learner.uncertainty(unknown.test[0])
    truth = np.repeat([0, 1], [len(inside.total), len(outside.total)])
    kinds = zip((inside.disagreement, inside.total), (outside.disagreement, outside.total), strict=True)
    return np.array([roc_auc_score(truth, np.concatenate(pair)) for pair in kinds])


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    some_of("methods", args.methods, METHODS)
    one_of("data", args.data, ("mnist", "digits"))
    names = [n for m in args.methods for n in ([f"BiMU N={w}" for w in args.windows] if m == "BiMU" else [m])]
    unknown = {"mnist": "fashion-mnist", "digits": ""}[args.data] if args.others is None else args.others
    shapes = [load(name).train[0].shape[1:] for name in (args.data, unknown) if name]
    if len(set(shapes)) > 1:
        raise ValueError(
            f"others must have images of the shape of {args.data}, {shapes[0]}, {unknown} has {shapes[1]}."
        )
    images, (samples, _) = images_of(args.data, args.samples), limits(args.samples)
    scale = images / IMAGES if args.data == "mnist" else 1.0  # of N, for tasks of fewer images
    words = partial(StreamWords, tasks=args.tasks, samples=samples, test_samples=args.test_samples)
    stream = words(f"permuted-{args.data}")
    others = words(f"permuted-{unknown}") if unknown else None
    cells = [
        Judged(f"{name} seed {seed}", partial(learner, args, name, scale), stream, seed, threads=1, others=others)
        for name in names
        for seed in range(args.seeds)
    ]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="mesu")
    rows = [found[n : n + args.seeds] for n in range(0, len(found), args.seeds)]
    print(
        f"permuted {args.data}, {args.tasks} tasks of {images} images, one at a time, one "
        f"pass; percent, mean +- sd over {several(args.seeds)}; {args.test_samples} test images a task; chance 10; "
        f"N times {scale:g}"
    )
    head = (
        "method",
        "last 5",
        "last 20",
        "newest",
        "after 1, 5, 10, all",
        "AUC MI, %",
        "AUC entropy",
        "anchor last 5/20",
    )
    print(columns([head, *(line(name, row) for name, row in zip(names, rows, strict=True))]))
    content = [
        {"method": name, "seconds": [r.seconds for r in row], "auc": [r.arrays["auc"].tolist() for r in row]}
        | {"accuracy": stacked(row).accuracy.tolist()}
        for name, row in zip(names, rows, strict=True)
    ]
    write_json(args.out / f"mesu-{args.samples}.json", {"samples": args.samples, "rows": content})


def learner(args: Args, name: str, scale: float, seed: int) -> SampledLearner:
    """``scale``: of N."""
    pixels = {"mnist": 784, "digits": 64}[args.data]
    standard = {"mnist": (0.1307, 0.3081), "digits": (0.305, 0.376)}[args.data]
    sizes = (pixels, args.hidden, 10)
    if name.startswith("BiMU"):
        network = bimu_network((pixels, 2 * args.hidden, 10), standard=standard)
        return SampledLearner(TrainingConfig(network, BimuRule(float(name.split("=")[1]) * scale), 1, seed))
    if name == "SGD":
        network = SampledConfig(sizes, GaussianConfig(deviation=0.0), samples=1, init=1.0, standard=standard)
        return SampledLearner(TrainingConfig(network, PlainRule(), 1, seed))
    window = np.inf if name.endswith("inf") else 3e5 * scale
    rule = BGDRule() if name == "BGD" else MesuRule(window)
    return SampledLearner(TrainingConfig(SampledConfig(sizes, standard=standard), rule, 1, seed))


def line(name: str, row: list[Result]) -> tuple[str, ...]:
    matrix = stacked(row)
    after = [k for k in (1, 5, 10) if k < matrix.tasks] + [matrix.tasks]
    average = " ".join(f"{100 * matrix.accuracy[k - 1, :k].mean():.1f}" for k in after)
    areas = np.array([r.arrays["auc"] for r in row]).T
    judged = [spread(a, "+-") for a in areas] or ["-", "-"]
    return (name, last(matrix, 5), last(matrix, 20), last(matrix, 1), average, *judged, ANCHORS.get(name, "-"))


def last(matrix: AccuracyMatrix, tasks: int) -> str:
    """Mean accuracy of the last tasks, at the end."""
    return spread(matrix.accuracy[-1][-tasks:].mean(0), "+-")


if __name__ == "__main__":
    run_page(main, Args)
