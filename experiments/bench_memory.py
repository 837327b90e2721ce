"""Speed of the engines on one cascade, as ratios within one run on one machine.

Steps per second come from differences between a long and a short run of the same program, so connection and start-up
drop out. Both lengths are run once before anything is timed, because each compiles its own code; then they alternate,
and the median over the repeats is printed, or a dash where it is below twice its own scatter.
The rivals are written out below: a vectorised numpy Monte-Carlo with a lookup table (one random number a synapse, the
fastest that we know), and the one-page Brian2 script that a user would write for a cascade (standalone, -O3).
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import brian2 as b2
import numpy as np

import fusi_models as fm
from fusi_models.engines.brian import simulate_brian
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    depth: int = 10
    """Depth of the cascade, x = 1/2."""
    synapses: int = 1_000_000
    """Synapses of the engines whose cost grows with N."""
    steps: int = 100
    """Steps of the long runs, less 10 of the short ones."""
    repeats: int = 3
    """Pairs of a short and a long run; the median of their differences counts."""
    brian: bool = True
    """Also time Brian2 (needs a compiler)."""


def numpy_steps(depth: int, synapses: int, steps: int) -> None:
    """Lookup table over (state, event sign): chance to move, and where to."""
    rng, n = np.random.default_rng(0), depth
    level = np.arange(n)
    flip = 0.5**level
    flip[-1] *= 2
    deepen = np.append(0.5 ** level[:-1], 0.0)
    states = np.arange(2 * n)  # weak n..1, strong 1..n
    depths, strong = np.where(states < n, n - 1 - states, states - n), states >= n
    same = np.stack([~strong, strong], 1)
    chance = np.where(same, deepen[depths][:, None], flip[depths][:, None]).astype(np.float32)
    deeper = np.where(strong, np.minimum(states + 1, 2 * n - 1), np.maximum(states - 1, 0))
    target = np.where(same, deeper[:, None], np.where(strong, n - 1, n)[:, None]).astype(np.int8).ravel()
    chance = chance.ravel()
    state = rng.integers(0, 2 * n, synapses).astype(np.int8)
    for _ in range(steps):
        draw = rng.random(synapses, dtype=np.float32) * 2
        sign = draw >= 1
        key = 2 * state + sign
        state = np.where(draw - sign < chance[key], target[key], state)


def handwritten_brian(depth: int, synapses: int, steps: int) -> None:
    """A cascade as one would write it in Brian2 by hand: formulas instead of a table of transitions."""
    with tempfile.TemporaryDirectory() as folder:
        b2.set_device("cpp_standalone", directory=folder)
        b2.seed(1)
        group = b2.NeuronGroup(1, "")
        links = b2.Synapses(group, group, "s : integer\nd : integer", namespace={"n": depth})
        links.connect(n=synapses)
        links.s, links.d = "int(rand() < 0.5)", "int(rand()*n) + 1"
        links.run_regularly(
            """
            e = int(rand() < 0.5)
            match = int(e == s)
            chance = 0.5**(d - 1)*((1 - match)*(1 + int(d == n)) + match*int(d < n))
            go = int(rand() < chance)
            d = d*(1 - go) + go*match*(d + 1) + go*(1 - match)
            s = s*(1 - go*(1 - match)) + go*(1 - match)*e
            """,
            dt=1 * b2.ms,
        )
        network = b2.Network(group, links)
        network.run(steps * b2.ms)
        b2.device.reinit()
        b2.set_device("runtime")


def rate(run: Callable[[int], object], short: int, long: int, repeats: int) -> float:
    """Steps per second of ``run(steps)``; NaN where the difference of the two lengths drowns in the machine's noise.

    Compilers' caches are filled by one untimed run of either length.
    """
    for steps in (short, long):
        run(steps)
    extra = []
    for _ in range(repeats):
        extra.append(seconds(run, long) - seconds(run, short))
    middle = float(np.median(extra))
    scatter = float(np.median(np.abs(np.array(extra) - middle)))
    return (long - short) / middle if middle > 2 * scatter and middle > 0 else float("nan")


def shown(number: float) -> str:
    return "-" if np.isnan(number) else f"{number:.4g}"


def seconds(run: Callable[[int], object], steps: int) -> float:
    start = time.perf_counter()
    run(steps)
    return time.perf_counter() - start


def main(args: Args) -> None:
    syn, n = fm.cascade(args.depth), args.synapses
    times = np.unique(np.append(0, np.geomspace(1, 1e6, 60).round()))
    start = time.perf_counter()
    fm.simulate(syn, times, 10**9, 50, np.random.default_rng(0))
    print(f"whole curve to 1e6 steps, N = 1e9, 50 trials, {len(times)} readings: {time.perf_counter() - start:.2f} s")
    long = 10 + args.steps

    def lumped(steps):
        return fm.simulate(syn, np.arange(steps), n, 1, np.random.default_rng(0))

    def brian(target):
        return lambda steps: simulate_brian(syn, np.array([steps]), n, 1, 0, target)

    def timed(run, short, long):
        return rate(run, short, long, args.repeats)

    rates = {"lumped, every step": timed(lumped, 1000, 21000)}
    rates["lumped, every step, N = 1e9"] = timed(
        lambda steps: fm.simulate(syn, np.arange(steps), 10**9, 1, np.random.default_rng(0)), 1000, 21000
    )
    rates["numpy Monte-Carlo"] = timed(lambda steps: numpy_steps(args.depth, n, steps), 10, long)
    rates["numpy Monte-Carlo (monte_carlo)"] = timed(
        lambda steps: fm.monte_carlo(syn, np.array([steps]), n, 1, np.random.default_rng(0)), 2, 12
    )
    if args.brian:
        rates["Brian2 cython"] = timed(brian("cython"), 10, long)
        rates["Brian2 standalone"] = timed(brian("cpp_standalone"), 10, 4 * long)
        rates["Brian2 standalone by hand"] = timed(lambda steps: handwritten_brian(args.depth, n, steps), 10, 4 * long)
    rates["numpy Monte-Carlo, N = 1e9 (scaled from N)"] = rates["numpy Monte-Carlo"] * n / 1e9
    print(f"{f'engine, N = {n:g}':46}{'steps/s':>12}{'lumped is faster by':>22}")
    for name, value in rates.items():
        faster = rates["lumped, every step"] / value
        print(f"{name:46}{shown(value):>12}{shown(faster):>22}")


if __name__ == "__main__":
    run_page(main, Args)
