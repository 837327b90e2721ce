"""The spike-driven layer as compiled loops against Brian2 (cython) on the same network, as a ratio in one run.

Both are shown the same presentations, the spikes must agree, and what is timed leaves out building and compiling: the
difference between a long and a short run. Brian2 is timed as this package uses it and with its state monitor off.
"""

import time
from dataclasses import dataclass

import numpy as np

from fusi_models import cascade
from fusi_models.models.brader import Chain, Hidden
from fusi_models.networks.spike_driven import poisson_events, present
from fusi_models.networks.spike_driven_brian import BrianLayer, Target
from neuromorph.data import load
from neuromorph.learners.brader import BraderConfig, BraderLearner
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    presentations: int = 20
    """Presentations of the long run; the short one has two."""
    target: Target = "cython"
    """Brian2's target."""


def measure(hidden: Hidden, args: Args) -> tuple[float, float]:
    """Milliseconds a presentation: compiled loops, Brian2."""
    config = BraderConfig(hidden=hidden)
    learner = BraderLearner(64, 10, config)
    x, y = (a[: args.presentations] for a in load("digits").train)
    chance = learner.encode(x.reshape(len(x), -1)) * config.circuit.dt
    events = [poisson_events(row, config.circuit.steps, k) for k, row in enumerate(chance)]
    own = np.arange(learner.units) // config.units_per_class == y[:, None]
    drive, keys = np.where(own, config.own, config.other), np.arange(len(x))
    layer = BrianLayer(config.circuit, hidden, learner.sources, learner.units, args.target)
    rivals = {
        "compiled": lambda n: present(config.circuit, hidden, learner.state, events[:n], drive[:n], keys[:n]),
        "brian": lambda n: layer.present(learner.state, events[:n], drive[:n], keys[:n]),
    }
    taken = {}
    for name, show in rivals.items():
        show(2)
        times = []
        for count in (2, len(x)):
            start = time.perf_counter()
            out = show(count)
            times.append(time.perf_counter() - start)
        taken[name] = (times[1] - times[0]) / (len(x) - 2) * 1e3, out
    ours, theirs = taken["compiled"][1], taken["brian"][1]
    same = (ours.spikes == theirs.spikes).all() and (ours.state == theirs.state).all()
    print(f"  {ours.spikes.sum()} output spikes and {ours.state.size} synapses agree: {same}")
    return taken["compiled"][0], taken["brian"][0]


def main(args: Args) -> None:
    for name, hidden in (("internal variable", BraderConfig().hidden), ("cascade", Chain(cascade(5).slowed(0.02)))):
        print(f"{name}, digits, a presentation of 300 steps of 1 ms with learning")
        ours, theirs = measure(hidden, args)
        print(f"  compiled {ours:.2f} ms, Brian2 {args.target} {theirs:.1f} ms: {theirs / ours:.0f} times", flush=True)


if __name__ == "__main__":
    run_page(main, Args)
