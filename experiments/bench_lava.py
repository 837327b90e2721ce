"""Ways of running a trained network on Lava, timed in one run; and the throughput of learning on the chip.

One network (784-256-10, 20 steps, trained on MNIST here), the same images, the same spikes. "stock" streams all images
through one compiled graph of Dense and LIFReset and "batched" carries many side by side; "reset" writes each image and
the membranes into the compiled graph by ``Var.set``, "rebuild" compiles a graph for each image, as users commonly do.
Stock is timed without its compilation, batched with it.
"""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fusi_models import BennaFusi, HiddenWeight, SynapseModel, cascade
from fusi_models.models.integer import IntegerHiddenWeight
from fusi_models.models.staircase import closest_staircase
from neuromorph import data
from neuromorph.atomic import write_json
from neuromorph.chip import NO_CURRENT_MEMORY
from neuromorph.lava import Deployment, LayerSpec, NetworkSpec, deploy
from neuromorph.lava.compat import running
from neuromorph.lava.graphs.inference import run_batched, stock_graph
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.learners.lava import LavaLearner
from neuromorph.learners.lava_stock import StockLavaLearner
from neuromorph.local_rule.rule import LocalRule
from neuromorph.stopping import run_page

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.io.source import RingBuffer  # isort: skip
from lava.proc.lif.process import LIF  # isort: skip
from neuromorph.lava.processes.io import SpikeRecorder  # isort: skip

FIXED = Loihi2SimCfg(select_tag="fixed_pt")


@dataclass(frozen=True)
class Args:
    """Time the ways of running one network on Lava."""

    train_samples: int = 6000
    """MNIST images that the network learns from."""
    samples: int = 1000
    """Images for the batched graph; the slower ways get fewer."""
    stock_samples: int = 40
    """Images for the stock graph."""
    slow_samples: int = 2
    """Images for each of the two naive ways."""
    steps: int = 20
    """Steps of an image."""
    repeats: int = 3
    """How often each way is timed."""
    widths: tuple[int, ...] = (64, 256, 1024)
    """Hidden layers whose speed is measured on the batched graph."""
    batches: tuple[int, ...] = (1, 10, 100, 500)
    """Batch widths whose speed is measured."""
    learned: int = 60
    """Images that each way of learning on the chip is timed on."""
    out: Path = Path("runs/bench_lava.json")
    """Where the numbers go."""


def main(args: Args) -> None:
    torch.set_num_threads(1)
    mnist = data.load("mnist").limited(args.train_samples, args.samples)
    learner = DeepLearner(DeepConfig(sizes=(784, 256, 10), num_steps=args.steps, m=0.0))
    for _ in range(2):
        learner.partial_fit(*mnist.train)
    x = mnist.test[0].reshape(len(mnist.test[0]), -1)
    print(f"trained 784-256-10, T = {args.steps}: test accuracy {(learner.predict(x) == mnist.test[1]).mean():.3f}")
    deployment = deploy(learner.network)
    wanted = deployment.reference(x).sum(0)
    ways: dict[str, tuple[int, Callable[[np.ndarray], tuple[np.ndarray, float]]]] = {
        "batched": (args.samples, lambda some: batched(deployment, some)),
        "stock": (args.stock_samples, lambda some: stock(deployment.spec, some)),
        "reset": (args.slow_samples, lambda some: reset(deployment.spec, some)),
        "rebuild": (args.slow_samples, lambda some: rebuild(deployment, some)),
    }
    speed: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.repeats):
        for name, (count, way) in ways.items():
            counts, seconds = way(x[:count])
            assert np.array_equal(counts, wanted[:count]), f"{name} gives other spikes"
            speed[name].append(count / seconds)
    fastest = statistics.median(speed["batched"])
    print(f"\n{'way':10}{'samples/s':>12}{'spread':>20}{'batched is faster by':>24}")
    for name, values in speed.items():
        middle = statistics.median(values)
        print(f"{name:10}{middle:12.1f}{f'{min(values):.1f} .. {max(values):.1f}':>20}{fastest / middle:>23.1f}x")
    print(f"\n{'hidden':>8}{'batch':>8}{'samples/s':>12}   batched graph, {args.repeats} runs, median")
    grid = []
    for hidden in args.widths:
        spec = random_network((784, hidden, 10), args.steps)
        for batch in args.batches:
            messages = spec.encode(x[: max(20, 3 * batch)])
            rates = []
            for _ in range(args.repeats):
                begun = time.perf_counter()
                run_batched(spec, messages, {1}, width=batch)
                rates.append(len(messages) / (time.perf_counter() - begun))
            grid.append({"hidden": hidden, "batch": batch, "samples_per_second": rates})
            print(f"{hidden:8}{batch:8}{statistics.median(rates):12.1f}")
    learning = learn_speed(args, mnist)
    peak = {
        who: resource.getrusage(getattr(resource, f"RUSAGE_{who}")).ru_maxrss // 1024 for who in ("SELF", "CHILDREN")
    }
    print(f"\npeak memory: this process {peak['SELF']} MB, largest process of a graph {peak['CHILDREN']} MB")
    write_json(args.out, {"samples_per_second": speed, "batched": grid, "learning": learning, "peak_megabytes": peak})


def batched(deployment: Deployment, x: np.ndarray) -> tuple[np.ndarray, float]:
    begun = time.perf_counter()
    return deployment.run(x, engine="batched").sum(0), time.perf_counter() - begun


def stock(spec: NetworkSpec, x: np.ndarray) -> tuple[np.ndarray, float]:
    graph = stock_graph(spec, x_rows(spec, x), {1}, hold=spec.hold)
    with running(graph.source, FIXED) as run:
        run(1)  # compiles
        begun = time.perf_counter()
        run(len(x) * spec.num_steps + 1)
        seconds = time.perf_counter() - begun
    return graph.recorders[1].recorded.reshape(len(x), spec.num_steps, -1).sum(1), seconds


def reset(spec: NetworkSpec, x: np.ndarray) -> tuple[np.ndarray, float]:
    """One compiled graph; each image and the membranes are written into it with ``Var.set``."""
    period = spec.num_steps + len(spec.layers)  # the last steps empty the pipeline
    image = np.zeros((spec.sizes[0], period), int)
    source, neurons = RingBuffer(data=image), []
    out = source.s_out
    for layer, bits in zip(spec.layers, (spec.message_bits, 0), strict=True):
        dense = Dense(weights=layer.stored_weights, weight_exp=layer.weight_exp, num_message_bits=bits)
        lif = LIF(shape=(len(layer.weights),), du=NO_CURRENT_MEMORY, dv=layer.dv, vth=layer.threshold)
        out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        out = lif.s_out
        neurons.append(lif)
    recorder = SpikeRecorder(shape=(spec.sizes[-1],), steps=period * (len(x) + 1), lag=0)
    out.connect(recorder.s_in)
    with running(source, FIXED) as run:
        run(period)  # compiles
        begun = time.perf_counter()
        for messages in spec.encode(x):
            image[:, : spec.num_steps] = messages.T
            source.data.set(image)
            for lif in neurons:
                lif.v.set(np.zeros(lif.v.shape, int))
            run(period)
        seconds = time.perf_counter() - begun
    return recorder.recorded[period:].reshape(len(x), period, -1).sum(1), seconds


def rebuild(deployment: Deployment, x: np.ndarray) -> tuple[np.ndarray, float]:
    begun = time.perf_counter()
    counts = np.concatenate([deployment.run(one[None]).sum(0) for one in x])
    return counts, time.perf_counter() - begun


def learn_speed(args: Args, mnist: data.Data) -> dict[str, list[float]]:
    """Samples learned per second by one layer of 784 inputs and 10 units, in each way of ``on_chip_learning.py``."""
    hidden, rule = HiddenWeight(5.0), LocalRule(units_per_class=1)
    ways: list[tuple[str, SynapseModel, type[LavaLearner]]] = [
        ("a  stock LearningDense, staircase", closest_staircase(hidden, 4)[0], StockLavaLearner),
        ("b  integer hidden weight, nearest", IntegerHiddenWeight(hidden, 12), LavaLearner),
        ("b  integer hidden weight, by chance", IntegerHiddenWeight(hidden, 6, stochastic=True), LavaLearner),
        ("c  cascade", cascade(5).slowed(0.1), LavaLearner),
        ("c  Benna-Fusi chain", BennaFusi(4, values=(24, 24, 24, 24), binary=True), LavaLearner),
    ]
    x, y = (part[: args.learned] for part in mnist.train)
    print(f"\n{f'learning, 784-10, {rule.num_steps} steps':40}{'samples/s':>12}{'spread':>20}")
    speed: dict[str, list[float]] = {}
    for name, synapse, kind in ways:
        learner = kind(synapse, 784, 10, rule)
        rates = []
        for _ in range(args.repeats):
            begun = time.perf_counter()
            learner.partial_fit(x.reshape(len(x), -1), y)
            rates.append(args.learned / (time.perf_counter() - begun))
        print(f"{name:40}{statistics.median(rates):12.1f}{f'{min(rates):.1f} .. {max(rates):.1f}':>20}")
        speed[name] = rates
    return speed


def x_rows(spec: NetworkSpec, x: np.ndarray) -> np.ndarray:
    return spec.encode(x)[:, :: spec.hold].reshape(-1, spec.sizes[0])


def random_network(sizes: tuple[int, ...], steps: int) -> NetworkSpec:
    rng = np.random.default_rng(0)
    layers = [
        LayerSpec(rng.choice(np.array([-1, 1], np.int8), (n, fan_in)), max(1, int(fan_in**0.5)), 410)
        for fan_in, n in zip(sizes, sizes[1:], strict=False)
    ]
    return NetworkSpec(tuple(layers), steps, input_bits=4)


if __name__ == "__main__":
    run_page(main, Args)
