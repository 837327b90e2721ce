"""Learning real-world stimuli with spike-driven synaptic dynamics (Brader, Senn & Fusi 2007, Neural Comput. 19:2881).

Left: one synapse in one presentation, the internal variable with its jumps and drift, and the postsynaptic calcium.
Middle: probability of LTP and LTD of an active synapse in a presentation against the postsynaptic rate: counted in the
simulated layer (dots), for a neuron that fires like a clock (lines), and where V, C and spikes are independent and C is
that of Poisson spikes (dotted). Right: the calcium law under Poisson spikes, closed form, with the two windows. The
paper's text was not at hand: its rule and constants are taken from public ports, panels are named by what they show.

Agrees: bistable synapses change only while the neuron's rate lies in the window of its calcium, LTD at low and LTP at
high rates, neither at rest nor above the window (stop learning); transitions are rare and stochastic because
presynaptic spikes are. Does not: with a = b = 0.1 and the windows of the ports, P(LTP) stays below 1e-3 at every rate
in this layer, so the classifier has other jumps and windows. Independence is a poor approximation: gates stay open for
about tau, so jumps come in clusters, and P(LTP) is many times that of independent ones; the clock is near. Of the
paper's accuracies none could be compared: what this network reaches, and what one bit a synapse costs it, is in
docs/memory.md (experiments/brader_classifier.py).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fusi_models.models.brader import Gates, Internal
from fusi_models.networks.spike_driven import Circuit, poisson_events, present
from fusi_models.theory.spike_driven import Stimulus, calcium_law, measured, poisson_limit, regular_limit
from neuromorph.stopping import run_page

CLASSIFIER = Circuit(Gates(up_low=5, up_high=7.5, down_low=2, down_high=5), weight=0.04), Internal(0.17, 0.065)
PORTS = Circuit(Gates(), weight=0.04), Internal()
DRIVES = (25.0, 50.0, 75.0, 100.0, 125.0, 150.0, 175.0)


@dataclass(frozen=True)
class Args:
    trials: int = 6
    """Simulated presentations of a point (20 neurons of 640 synapses each)."""
    out: Path = Path("Brader_Senn_Fusi_2007.svg")
    """Figure to write."""


def trace(ax: Axes) -> None:
    """X at 50 Hz before a neuron driven by 110 thresholds a second."""
    circuit, rule = CLASSIFIER
    events = poisson_events(np.full(1, 0.05), circuit.steps, 12)
    spikes = present(circuit, rule, np.zeros((1, 1), np.int8), [events], np.array([[120.0]]), [3]).spikes[0, :, 0]
    arrivals = np.diff(events.starts)
    x, c, since, xs, cs = np.array(0.0), 0.0, 0, [], []
    v = np.arange(circuit.steps) - np.maximum.accumulate(np.where(spikes, np.arange(circuit.steps), 0))
    for t in range(circuit.steps):
        c *= np.exp(-circuit.dt / circuit.gates.tau)
        if arrivals[t]:
            x = rule.drift(x, (t - since) * circuit.dt)
            x, since = rule.jump(x, circuit.gates.gate(np.array(0.11 * v[t - 1]), np.array(c))), t
        xs.append(rule.drift(x, (t - since) * circuit.dt))
        c += spikes[t]
        cs.append(c / 10)
    ax.plot(xs, label="X")
    ax.plot(cs, color="0.6", label="calcium / 10")
    ax.axhline(rule.theta, color="k", ls=":", lw=1)
    ax.set(title="one synapse", xlabel="ms", ylim=(0, 1.05))


def main(args: Args) -> None:
    page = Figure(figsize=(12, 3.8), layout="constrained")
    one, rates, law = page.subplots(1, 3)
    trace(one)
    np.set_printoptions(precision=4, suppress=True, linewidth=120)
    for name, (circuit, rule) in (("classifier", CLASSIFIER), ("ports", PORTS)):
        counted = np.array([measured(circuit, rule, Stimulus(), d, args.trials, 0) for d in DRIVES])
        clock = np.array([regular_limit(circuit, rule, Stimulus(), r) for r in counted[:, 0]])
        poisson = np.array([poisson_limit(circuit, rule, Stimulus(), d) for d in DRIVES])
        print(f"{name}: rate {counted[:, 0].round(0)}")
        for k, what in enumerate(("LTP", "LTD")):
            print(f"  {what} counted {counted[:, k + 1]} clock {clock[:, k]} independent {poisson[:, k + 1]}")
            if name == "classifier":
                rates.plot(counted[:, 0], counted[:, k + 1], "o", color=f"C{k}", label=what)
                rates.plot(counted[:, 0], clock[:, k], color=f"C{k}")
                rates.plot(poisson[:, 0], poisson[:, k + 1], ":", color=f"C{k}")
    rates.set(title="transitions in 300 ms", xlabel="postsynaptic rate (Hz)", ylabel="probability")
    grid = np.linspace(0, 12, 200)
    for rate in (20, 50, 100):
        law.plot(grid, calcium_law(grid, rate, 0.06), label=f"{rate} Hz")
    for low, high, color in ((2, 5, "C1"), (5, 7.5, "C0")):
        law.axvspan(low, high, color=color, alpha=0.15)
    law.set(title="calcium under Poisson spikes", xlabel="C / J_C", ylabel="P(C < c)")
    for ax in (one, rates, law):
        ax.legend(frameon=False, fontsize=8)
    page.savefig(args.out)


if __name__ == "__main__":
    run_page(main, Args)
