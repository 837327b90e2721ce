"""Speed of training, as ratios within one run on one machine. Each part is a function that prints its own table.

Part "training": forward and backward pass of one mini-batch through a spiking binarized network, against the same
network written as snnTorch's tutorials write it (a loop over time, ``Leaky``, one layer call a step), against the
matrix products alone, and against SpikingJelly's multi-step mode where that is installed. Memory: what autograd saves
for the backward pass, and the most that torch has allocated at a time in a step, without the weights, the mini-batch
and what a library allocates inside a product. Part "convolution": a small convolutional network, the same way. Part
"inference": the forward pass; the spikes are compared. Part "seeds": networks side by side (``snn.Ensemble``) against
one after another. Part "optimiser": one metaplastic step of a 4096 x 4096 weight (16.8
million). The rival is the update as the authors' ``Adam_meta`` computes it, operation by operation; the yardstick is
torch's own fused Adam, which protects nothing. Part "first": from a fresh process to the end of the first training step
of a small network, with an empty cache of compiled loops and with a filled one, against the uncompiled network.

Part "rounding" (not run unasked): average accuracy with gradient products in float32 and rounded to bfloat16, on
two streams; a processor without products of bfloat16 is made to compute them all the same, slowly.

``SpikingBNN`` is the network as a user writes it; ``fast=False`` multiplies in float32 and loops in torch. The run ends
with the goals as ratios: the median over the turns, each against the rival's call of the same turn, and quartiles.
What limits the first goal is printed with it: the ratio that the float32 products alone would reach. Processors that
multiply 8-bit integers and bfloat16 in vectors (VNNI, AVX512-BF16) go beyond that limit, others cannot.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import snntorch
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from neuromorph import streams
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.run import learn_stream
from neuromorph.snn import BinaryConv2d, BinaryLinear, Ensemble, Metaplastic, SpikingBNN
from neuromorph.snn import products as kernels
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    side: int = 4096
    """The weight is a square matrix of this side."""
    m: float = 1.35
    """Metaplasticity."""
    sizes: tuple[int, ...] = (784, 1024, 1024, 10)
    """The spiking network of the parts training and inference; convolution has 28x28-16c5s2-32c3s2-100-10."""
    batch: int = 200
    """Samples of its mini-batch."""
    steps: int = 10
    """Steps of a sample."""
    seeds: int = 5
    """Networks of the part seeds (784-256-256-10, 6 steps, batch 100)."""
    parts: tuple[str, ...] = ("training", "convolution", "inference", "seeds", "optimiser", "first")
    """What to time."""
    repeats: int = 15
    """Timed calls of each way, taken in turns."""
    threads: int = 0
    """Threads of torch; 0 leaves its default."""
    device: str = "cpu"
    """Where torch computes: cpu, or cuda, where the part first is left out."""


Seconds = dict[str, list[float]]
"""Seconds of each turn of each way."""


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


def in_turns(ways: dict[str, Callable[[], object]], args: Args) -> Seconds:
    """Seconds of each call. The ways take turns, so that a slow moment of the machine hits all of them."""

    def made(call: Callable[[], object]) -> float:
        start = time.perf_counter()
        call()
        if args.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    for call in ways.values():
        made(call)
        made(call)
    seconds: Seconds = {name: [] for name in ways}
    for _ in range(args.repeats):
        for name, call in ways.items():
            seconds[name].append(made(call))
    return seconds


def table(title: str, seconds: Seconds, rivals: list[str]) -> Seconds:
    """Median, quartiles in milliseconds, and how often faster than each rival by medians; returns ``seconds``."""
    print(f"\n{title:44}{'median ms':>10}{'quartiles ms':>18}" + "".join(f"{f'x {r}':>34}" for r in rivals))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        low, _, high = statistics.quantiles(values, n=4)
        ratios = "".join(f"{medians[r] / medians[name]:34.2f}" for r in rivals)
        print(f"{name:44}{1e3 * medians[name]:10.1f}{f'{1e3 * low:.1f} .. {1e3 * high:.1f}':>18}{ratios}")
    return seconds


def optimiser(args: Args) -> Seconds:
    generator = torch.Generator().manual_seed(0)
    start = torch.empty(args.side, args.side).uniform_(-0.05, 0.05, generator=generator)
    grad = torch.randn(args.side, args.side, generator=generator)

    def weight() -> torch.nn.Parameter:
        param = torch.nn.Parameter(start.to(args.device, copy=True))
        param.grad = grad.to(args.device)
        return param

    ways: dict[str, Callable[[], object]] = {
        "published formula": torch.no_grad()(Published(weight(), args.m).step),
        "Metaplastic, eager": Metaplastic([weight()], m=args.m).step,
        "Metaplastic, compiled": Metaplastic([weight()], m=args.m, compiled=True).step,
        "Metaplastic, compiled, relative m": Metaplastic([weight()], m=args.m, relative=True, compiled=True).step,
        "the same with the layer's variance": Metaplastic(
            [weight()], m=args.m, relative=True, variance="layer", compiled=True
        ).step,
        "torch.optim.Adam": torch.optim.Adam([weight()], lr=0.005).step,
        "torch.optim.Adam, fused": torch.optim.Adam([weight()], lr=0.005, fused=True).step,
    }
    title = f"optimiser step, {start.numel() / 1e6:.1f} M weights"
    return table(title, in_turns(ways, args), ["published formula", "torch.optim.Adam, fused"])


class Tutorial(nn.Module):
    """The network of these layers as snnTorch's tutorials write one."""

    def __init__(self, layers: Iterable[nn.Module], steps: int):
        super().__init__()
        self.steps = steps
        self.layers = nn.ModuleList(layers)
        self.neurons = nn.ModuleList(snntorch.Leaky(beta=0.9, reset_mechanism="zero") for _ in self.layers)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mems = [neuron.init_leaky() for neuron in self.neurons]  # type: ignore[operator]
        spk_rec, mem_rec = [], []
        for _ in range(self.steps):
            spk = x
            for k, (layer, neuron) in enumerate(zip(self.layers, self.neurons, strict=True)):
                spk, mems[k] = neuron(layer(spk), mems[k])
            spk_rec.append(spk)
            mem_rec.append(mems[-1])
        return torch.stack(spk_rec), torch.stack(mem_rec)


class MultiStep(nn.Module):
    """The network in SpikingJelly's multi-step mode."""

    def __init__(self, sizes: tuple[int, ...], steps: int):
        super().__init__()
        from spikingjelly.activation_based import layer, neuron

        self.steps = steps
        pairs = zip(sizes, sizes[1:], strict=False)
        self.net = nn.Sequential(
            *(
                part
                for a, b in pairs
                for part in (
                    layer.Linear(a, b, bias=False, step_mode="m"),
                    neuron.LIFNode(tau=10.0, decay_input=False, v_reset=0.0, step_mode="m", store_v_seq=True),
                )
            )
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        from spikingjelly.activation_based import functional

        functional.reset_net(self.net)
        spk = self.net(x.expand(self.steps, *x.shape))
        return spk, self.net[-1].v_seq


def networks(args: Args) -> tuple[dict[str, nn.Module], torch.Tensor, torch.Tensor]:
    """The same network in several hands, a mini-batch and its labels."""
    torch.manual_seed(0)
    ways: dict[str, nn.Module] = {}
    linears: dict[str, type[nn.Linear]] = {"BinaryLinear": BinaryLinear, "nn.Linear": nn.Linear}
    for name, linear in linears.items():
        layers = [linear(a, b, bias=False) for a, b in zip(args.sizes, args.sizes[1:], strict=False)]
        ways[f"tutorial, {name}"] = Tutorial(layers, args.steps)
    if importlib.util.find_spec("spikingjelly"):
        ways["SpikingJelly, multi-step, nn.Linear"] = MultiStep(args.sizes, args.steps)
    else:
        print("SpikingJelly is not installed, and not timed.")
    for name, fast in (("SpikingBNN", None), ("SpikingBNN, fast=False", False)):
        generator = torch.Generator().manual_seed(0)
        ways[name] = SpikingBNN(args.sizes, num_steps=args.steps, fast=fast, generator=generator)
    x, y = torch.rand(args.batch, args.sizes[0]), torch.randint(args.sizes[-1], (args.batch,))
    return {name: net.to(args.device) for name, net in ways.items()}, x.to(args.device), y.to(args.device)


def step(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    net.zero_grad()
    spk_rec, mem_rec = net(x)
    functional.cross_entropy(spk_rec.sum(0) + mem_rec.mean(0), y).backward()


def training(args: Args) -> Seconds:
    nets, x, y = networks(args)
    ways: dict[str, Callable[[], object]] = {name: partial(step, net, x, y) for name, net in nets.items()}
    ways["matrix products alone, float32"] = products(args)
    title = f"training step, {'-'.join(map(str, args.sizes))}, batch {args.batch}, {args.steps} steps"
    seconds = table(title, in_turns(ways, args), ["tutorial, BinaryLinear", "matrix products alone, float32"])
    memory(nets, x, y)
    return seconds


def convolution(args: Args) -> Seconds:
    torch.manual_seed(0)
    kernels = (16, 5, 2, 2), (32, 3, 2, 1)  # channels, kernel, stride, padding
    layers = [BinaryConv2d(n, *kernel) for n, kernel in zip((1, 16), kernels, strict=True)]
    dense = [nn.Sequential(nn.Flatten(), BinaryLinear(32 * 49, 100)), BinaryLinear(100, 10)]
    nets: dict[str, nn.Module] = {"tutorial, BinaryConv2d": Tutorial([*layers, *dense], args.steps)}
    shape: dict[str, Any] = {"num_steps": args.steps, "image": (1, 28, 28), "convolutions": kernels}
    for name, fast in (("SpikingBNN", None), ("SpikingBNN, fast=False", False)):
        nets[name] = SpikingBNN((784, 100, 10), fast=fast, **shape)
    x, y = torch.rand(args.batch, 784).to(args.device), torch.randint(10, (args.batch,)).to(args.device)
    nets = {name: net.to(args.device) for name, net in nets.items()}
    images = {name: x.unflatten(1, (1, 28, 28)) if name.startswith("t") else x for name in nets}
    ways: dict[str, Callable[[], object]] = {name: partial(step, net, images[name], y) for name, net in nets.items()}
    title = f"training step, convolutions, batch {args.batch}, {args.steps} steps"
    return table(title, in_turns(ways, args), ["tutorial, BinaryConv2d"])


def products(args: Args) -> Callable[[], None]:
    """The products that a step cannot do without: the first layer's once a sample, since its input is constant."""
    rows = [args.batch] + [args.batch * args.steps] * (len(args.sizes) - 2)
    pairs = list(zip(rows, args.sizes, args.sizes[1:], strict=False))
    operands = [[torch.randn(*s).to(args.device) for s in ((n, a), (b, a), (n, b))] for n, a, b in pairs]

    def run() -> None:
        for k, (spikes, weight, grad) in enumerate(operands):
            spikes @ weight.T
            grad.T @ spikes
            if k:
                grad @ weight

    return run


def kept(net: nn.Module, x: torch.Tensor) -> float:
    """Megabytes of the tensors that autograd saves in one forward pass, each storage counted once."""
    sizes: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = net(x)
    del output
    return sum(sizes.values()) / 1e6


def peak(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Megabytes that torch has allocated at most at a time during a training step, beyond what there was before it."""
    net.zero_grad()
    if x.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(net, x, y)
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as events:
        step(net, x, y)
    with tempfile.TemporaryDirectory() as folder:
        events.export_chrome_trace(f"{folder}/trace.json")
        trace = json.loads(Path(f"{folder}/trace.json").read_text())["traceEvents"]
    memory = [event["args"] for event in trace if event.get("name") == "[memory]"]
    before = memory[0]["Total Allocated"] - memory[0]["Bytes"]
    return (max(m["Total Allocated"] for m in memory) - before) / 1e6


def memory(nets: dict[str, nn.Module], x: torch.Tensor, y: torch.Tensor) -> None:
    lines = [f"{name:44}{kept(net, x):20.0f}{peak(net, x, y):20.0f}" for name, net in nets.items()]
    print(f"\n{'megabytes':44}{'kept for backward':>20}{'peak of a step':>20}", *lines, sep="\n")


@torch.no_grad()
def inference(args: Args) -> Seconds:
    nets, x, _ = networks(args)
    ours = {name: net for name, net in nets.items() if name.startswith(("SpikingBNN", "tutorial, B"))}
    title = f"inference, {'-'.join(map(str, args.sizes))}, batch {args.batch}, {args.steps} steps"
    ways: dict[str, Callable[[], object]] = {name: partial(net, x) for name, net in ours.items()}
    seconds = table(title, in_turns(ways, args), ["tutorial, BinaryLinear", "SpikingBNN"])
    slow, fast = (ours[name](x)[0] for name in ("SpikingBNN, fast=False", "SpikingBNN"))
    print(f"output spikes that differ from those of float32 and torch: {int((slow != fast).sum())} of {slow.numel()}")
    return seconds


def seeds(args: Args) -> Seconds:
    sizes, batch = (784, 256, 256, 10), 100
    generators = [torch.Generator().manual_seed(k) for k in range(args.seeds)]
    nets = [SpikingBNN(sizes, num_steps=6, generator=generator).to(args.device) for generator in generators]
    together, x = Ensemble(nets).to(args.device), torch.rand(batch, args.seeds, 784).to(args.device)
    y = torch.randint(10, (batch, args.seeds)).to(args.device)
    optimisers = [Metaplastic(net.parameters(), m=3.0, compiled=True) for net in nets]

    def update(net: nn.Module, some: torch.Tensor, wanted: torch.Tensor, optimiser: Metaplastic) -> None:
        optimiser.zero_grad()
        scores = net.readout(*net(some))  # type: ignore[operator]
        functional.cross_entropy(scores.reshape(-1, 10), wanted.reshape(-1)).backward()
        optimiser.step()

    def alone() -> None:
        for k, net in enumerate(nets):
            update(net, x[:, k], y[:, k], optimisers[k])

    one = Metaplastic(together.parameters(), m=3.0, compiled=True)
    ways: dict[str, Callable[[], object]] = {
        "one after another": alone,
        "side by side": partial(update, together, x, y, one),
    }
    title = f"an update of {args.seeds} seeds, {'-'.join(map(str, sizes))}"
    return table(title, in_turns(ways, args), ["one after another"])


FIRST = """
import time, torch
from torch.nn import functional
from neuromorph.snn import SpikingBNN
start = time.perf_counter()
net = SpikingBNN((64, 200, 200, 10), num_steps=6, fast={fast})
functional.cross_entropy(net.scores(torch.rand(50, 64)), torch.arange(50) % 10).backward()
print(time.perf_counter() - start)
"""


def first(args: Args) -> Seconds:
    """Seconds of the first step, each in a process of its own."""
    seconds: Seconds = {name: [] for name in ("uncompiled", "SpikingBNN, empty cache", "SpikingBNN, compiled at once")}
    for _ in range(min(5, args.repeats)):
        for name, fast in zip(seconds, (False, None, True), strict=True):
            with tempfile.TemporaryDirectory() as empty:
                environment = {**os.environ, "XDG_CACHE_HOME": empty}
                command = [sys.executable, "-c", FIRST.format(fast=fast)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            seconds[name].append(float(done.stdout))
    return table("first step, 64-200-200-10, batch 50, 6 steps", seconds, ["uncompiled"])


def rounding(args: Args) -> Seconds:
    """Average accuracy of three tasks, in percent, by seed; the two ways start from the same weights."""
    print(f"\n{'average accuracy, 3 tasks':32}{'float32':>18}{'bfloat16':>18}{'difference':>18}")
    for name, features, samples, epochs in (("permuted-digits", 64, 1437, 8), ("permuted-mnist", 784, 2000, 4)):
        found: dict[bool, list[float]] = {False: [], True: []}
        for seed in range(args.seeds):
            stream = streams.by_name(name, 3, seed, samples, 1000)
            for rounded, accuracies in found.items():
                config = DeepConfig((features, 128, 128, 10), fast=None if rounded else False, seed=seed)
                with patch.object(kernels, "_short_products", lambda device: True):
                    accuracies.append(100 * learn_stream(DeepLearner(config), stream, epochs, seed).average_accuracy)
        columns = [*found.values(), [b - a for a, b in zip(found[False], found[True], strict=True)]]
        cells = [f"{statistics.mean(c):.1f} +- {statistics.stdev(c):.1f}" for c in columns]
        print(f"{name:32}" + "".join(f"{cell:>18}" for cell in cells))
    return {}


PARTS = {
    "training": training,
    "convolution": convolution,
    "inference": inference,
    "seeds": seeds,
    "optimiser": optimiser,
    "first": first,
    "rounding": rounding,
}

GOALS = (
    ("training", "SpikingBNN", "tutorial, BinaryLinear", 4.0),
    ("training", "matrix products alone, float32", "tutorial, BinaryLinear", 0.0),
    ("training", "SpikingBNN", "SpikingJelly, multi-step, nn.Linear", 2.5),
    ("convolution", "SpikingBNN", "tutorial, BinaryConv2d", 2.5),
    ("seeds", "side by side", "one after another", 1.5),
)
"""Part, ours, rival, and how often faster ours shall be (0: only to compare)."""


def goals(found: dict[str, Seconds]) -> None:
    """The goals whose parts have run, as ratios of calls of the same turn."""
    print(f"\n{'goal':80}{'median':>8}{'quartiles':>16}{'asked':>8}")
    for part, ours, rival, asked in GOALS:
        if rival not in found.get(part, {}):
            continue
        ratios = [b / a for a, b in zip(found[part][ours], found[part][rival], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        name = f"{part}: {ours} against {rival}"
        print(f"{name:80}{middle:8.2f}{f'{low:.2f} .. {high:.2f}':>16}{f'{asked:g}' if asked else '-':>8}")
    if "first" in found:
        slow, ours = (statistics.median(found["first"][n]) for n in ("uncompiled", "SpikingBNN, empty cache"))
        print(f"first: seconds later than uncompiled, at most 1 asked: {ours - slow:.2f}")


def main(args: Args) -> None:
    if args.threads:
        torch.set_num_threads(args.threads)
    where = f"{torch.get_num_threads()} threads" if args.device == "cpu" else torch.cuda.get_device_name()
    print(f"torch {torch.__version__}, {where}, float32")
    goals({name: PARTS[name](args) for name in args.parts if args.device == "cpu" or name != "first"})


if __name__ == "__main__":
    run_page(main, Args)
