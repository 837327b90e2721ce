"""Speed of training, as ratios within one run on one machine. Each part is a function that prints its own table.

Part "optimiser": one metaplastic step of a 4096 x 4096 weight (16.8 million). The rival is the update as the authors'
``Adam_meta`` computes it, operation by operation; the yardstick is torch's own fused Adam, which protects nothing.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import tyro

from neuromorph.snn import Metaplastic


@dataclass(frozen=True)
class Args:
    side: int = 4096
    """The weight is a square matrix of this side."""
    m: float = 1.35
    """Metaplasticity."""
    repeats: int = 15
    """Timed calls of each way, taken in turns."""
    threads: int = 0
    """Threads of torch; 0 leaves its default."""


class Published:
    """One step of the published formula in plain torch operations (Laborieux et al. 2021, ``Adam_meta``)."""

    def __init__(self, hidden: torch.Tensor, m: float, lr: float = 0.005):
        self.hidden, self.m, self.lr, self.t = hidden, m, lr, 0
        self.exp_avg, self.exp_avg_sq = torch.zeros_like(hidden), torch.zeros_like(hidden)

    def step(self) -> None:
        grad, self.t = self.hidden.grad, self.t + 1
        self.exp_avg.mul_(0.9).add_(grad, alpha=0.1)
        self.exp_avg_sq.mul_(0.999).addcmul_(grad, grad, value=0.001)
        denom = self.exp_avg_sq.sqrt().add_(1e-8)
        size = self.lr * (1 - 0.999**self.t) ** 0.5 / (1 - 0.9**self.t)
        towards = torch.sign(self.hidden) * self.exp_avg > 0
        decayed = (1 - torch.tanh(self.m * torch.abs(self.hidden)) ** 2) * self.exp_avg
        self.hidden.addcdiv_(torch.where(towards, decayed, self.exp_avg), denom, value=-size)


def in_turns(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each call. The ways take turns, so that a slow moment of the machine hits all of them."""
    for call in ways.values():
        call()
        call()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, call in ways.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def table(title: str, seconds: dict[str, list[float]], rivals: list[str]) -> None:
    """Median, quartiles in milliseconds, and how often faster than each rival by medians."""
    print(f"\n{title:44}{'median ms':>10}{'quartiles ms':>18}" + "".join(f"{f'x {r}':>26}" for r in rivals))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        low, _, high = statistics.quantiles(values, n=4)
        ratios = "".join(f"{medians[r] / medians[name]:26.2f}" for r in rivals)
        print(f"{name:44}{1e3 * medians[name]:10.1f}{f'{1e3 * low:.1f} .. {1e3 * high:.1f}':>18}{ratios}")


def optimiser(args: Args) -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.empty(args.side, args.side).uniform_(-0.05, 0.05, generator=generator)
    grad = torch.randn(args.side, args.side, generator=generator)

    def weight() -> torch.nn.Parameter:
        param = torch.nn.Parameter(start.clone())
        param.grad = grad
        return param

    ways: dict[str, Callable[[], object]] = {
        "published formula": torch.no_grad()(Published(weight(), args.m).step),
        "Metaplastic, eager": Metaplastic([weight()], m=args.m, foreach=False).step,
        "Metaplastic, foreach": Metaplastic([weight()], m=args.m, foreach=True).step,
        "Metaplastic, compiled": Metaplastic([weight()], m=args.m, compiled=True).step,
        "Metaplastic, compiled, relative m": Metaplastic([weight()], m=args.m, relative=True, compiled=True).step,
        "the same with the layer's variance": Metaplastic(
            [weight()], m=args.m, relative=True, variance="layer", compiled=True
        ).step,
        "torch.optim.Adam": torch.optim.Adam([weight()], lr=0.005).step,
        "torch.optim.Adam, fused": torch.optim.Adam([weight()], lr=0.005, fused=True).step,
    }
    title = f"optimiser step, {start.numel() / 1e6:.1f} M weights"
    table(title, in_turns(ways, args.repeats), ["published formula", "torch.optim.Adam, fused"])


PARTS = {"optimiser": optimiser}


def main(args: Args) -> None:
    if args.threads:
        torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32")
    for part in PARTS.values():
        part(args)


if __name__ == "__main__":
    main(tyro.cli(Args))
