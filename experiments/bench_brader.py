"""The spike-driven layer as compiled loops against Brian2 (cython) on the same network, as a ratio in one run.

Both are shown the same presentations, and the spikes must agree. Brian2 is timed as this package uses it and with its
state monitor off.
"""

from dataclasses import dataclass

import numpy as np
from timing import in_turn, ratio

from fusi_models import cascade
from fusi_models.models.brader import Chain, Hidden
from fusi_models.networks.spike_driven import poisson_events, present
from fusi_models.networks.spike_driven_brian import BrianLayer, Target
from neuromorph.data import load
from neuromorph.learners.brader import BraderConfig, BraderLearner
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    presentations: int = 40
    """Presentations of the long run; the short one has two."""
    repeats: int = 7
    """Pairs of a long and a short run of each."""
    target: Target = "cython"
    """Brian2's target."""


def measure(hidden: Hidden, args: Args) -> dict[str, np.ndarray]:
    """Seconds a presentation [round]: compiled loops, Brian2."""
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
    ours, theirs = (show(len(x)) for show in rivals.values())
    same = (ours.spikes == theirs.spikes).all() and (ours.state == theirs.state).all()
    print(f"  {ours.spikes.sum()} output spikes and {ours.state.size} synapses agree: {same}")
    return in_turn(rivals, 2, len(x), args.repeats)


def main(args: Args) -> None:
    for name, hidden in (("internal variable", BraderConfig().hidden), ("cascade", Chain(cascade(5).slowed(0.02)))):
        print(f"{name}, digits, a presentation of 300 steps of 1 ms with learning")
        taken = measure(hidden, args)
        ours, theirs = (1e3 * np.median(seconds) for seconds in taken.values())
        times = ratio(taken["brian"], taken["compiled"])
        print(
            f"  compiled {ours:.2f} ms, Brian2 {args.target} {theirs:.1f} ms: {times} times, median and quartiles",
            flush=True,
        )


if __name__ == "__main__":
    run_page(main, Args)
