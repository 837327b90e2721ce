"""The published protocol beside an independent rerun of the authors' code, and this project's rule, told nothing.

Laborieux et al. 2021, Nat Commun 12:2549. Six permutations of MNIST, the first one too, 784-512-512-10 without spikes,
10 epochs, batches of 100, Adam (.005, decay 1e-7 in the gradient, eps before the bias correction) that is new at every
task, cross entropy of normalised outputs, hidden weights from +-.05, batch norm with the statistics of the batch also
in the test (ours: of up to 1000 test images of one task), a norm state a task, loaded when that task is tested. Numbers
of one run a cell in the raw results of github.com/tuanpham96/bnn-cf-vs-robust; the paper's own could not be read. The
norm's scale begins as ones, as in today's torch, or uniform in (0, 1), as in torch 1.1, which the authors suspected.

Cells are kept: a run that is stopped goes on, cells can be asked for one by one (--m 2 --gain ones --spiking), and
whatever is asked for again is read. ``--quick``: three tasks of 2000 images, 100-100, 2 epochs.
"""

from dataclasses import dataclass, replace

from common import BINARY, RESET, SPIKING, Page, Row, bars, report, save
from matplotlib.figure import Figure

from fusi_models.checks import some_of
from neuromorph.learners import TaskControlLearner
from neuromorph.learners.deep import DeepConfig
from neuromorph.snn.baselines import ControlConfig, DrawnGainConfig
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.study import JOINT, spread

GAINS = {"ones": ControlConfig, "uniform": DrawnGainConfig}
RERUN = {  # (hidden units, epochs): m: mean over six tasks after the last; the mean just-learned accuracy where given
    (512, 10): {0.0: "30.2 (97.4)", 1.0: "65.9", 1.35: "76.8", 1.5: "81.1", 2.0: "89.1 (91.3)", 3.0: "87.1"},
    (512, 20): {0.0: "29.1", 1.0: "86.6", 1.35: "89.4", 1.5: "88.9", 2.0: "87.3", 3.0: "85.0"},
    (1024, 10): {0.0: "27.9 (97.7)", 1.0: "57.5", 1.35: "75.8", 1.5: "82.6", 2.0: "91.3 (94.9)", 3.0: "91.5 (91.9)"},
    (1024, 20): {0.0: "27.2", 1.0: "88.2", 1.35: "92.0", 1.5: "92.6", 2.0: "92.1", 3.0: "90.5"},
}


@dataclass(frozen=True)
class Args(Page):
    """Permuted MNIST by the published protocol."""

    hidden: tuple[int, ...] = (512, 512)
    """Hidden layers."""
    epochs: int = 10
    """Passes over each task."""
    tasks: int = 6
    """Permutations."""
    m: tuple[float, ...] = (0.0, 1.35, 2.0)
    """Metaplasticity of the published rule."""
    gain: tuple[str, ...] = tuple(GAINS)
    """How the norm's scale begins: ones, uniform."""
    norm: str = "batch-statistics"
    """Of the published network when it is tested: batch-statistics, or batch-running, whose means a task keeps too."""
    spiking: tuple[float, ...] = (0.0, DeepConfig.m)
    """m of this project's rule in the spiking network, boundary-free; none leaves it out."""
    interleaved: bool = True
    """Also that network with all tasks at once."""
    seeds: int = 1
    """Runs."""


QUICK = {"hidden": (100, 100), "epochs": 2, "samples": 2000, "test_samples": 500, "tasks": 3}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    some_of("gain", args.gain, tuple(GAINS))
    stream = args.stream("permuted-mnist", args.tasks)
    rows = [published(args, stream, m, gain) for gain in args.gain for m in args.m]
    rows += [ours(args, stream, m) for m in args.spiking]
    if args.interleaved and args.spiking:
        everything = replace(ours(args, stream, 0.0), stream=replace(stream, joint=True), boundary="all tasks at once")
        rows.append(replace(everything, method=f"{JOINT}, m = 0"))
    matrices = report(rows, args, "published")
    for row, matrix in zip(rows, matrices, strict=True):
        learned = f", just learned {spread(matrix.learning_accuracy, '+-')}" if matrix.tasks > 1 else ""
        print(f"{row.network}, {row.method}: A {spread(matrix.average_accuracy, '+-')}{learned}; rerun {row.published}")
    page = Figure(figsize=(7, 4), layout="constrained")
    bars(rows, matrices, page.subplots()).set_title(f"{args.tasks} permutations of MNIST", fontsize=10, loc="left")
    save(page, args.out / "published.png")


def published(args: Args, stream: StreamWords, m: float, gain: str) -> Row:
    known = len(set(args.hidden)) == 1 and len(args.hidden) == 2 and args.tasks == 6 and not args.samples
    rerun = RERUN.get((args.hidden[0], args.epochs), {}).get(m, "not found") if known else "not found"

    def learner(seed):
        return TaskControlLearner(args.training(m, seed, GAINS[gain], norm=args.norm))

    return Row(f"m = {m:g}, gain {gain}", BINARY, learner, stream, RESET, "task", args.norm, rerun)


def ours(args: Args, stream: StreamWords, m: float) -> Row:
    name = f"this project's rule, m = {m:g}"
    return Row(name, SPIKING, lambda seed: args.default(m, seed), stream, norm="none")


if __name__ == "__main__":
    run_page(main, Args)
