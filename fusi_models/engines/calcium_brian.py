"""Synapses of ``models/calcium.py`` and a cell that has them, in Brian2 equations with units (loads Brian2).

``follow_brian`` and ``advance_brian`` take and give what ``follow`` and ``advance`` of the compiled reference do, step
for step: exponential Euler, synapses before cells (so that both see old values), weights held within their bounds,
then spikes. Equations of V, H, c, W and g: see ``models/calcium.py``; of the cell: ``engines/calcium_neuron.py``.
"""

from typing import Any, Literal

import numpy as np

from fusi_models.engines import calcium_loops as loops
from fusi_models.engines.calcium_neuron import CalciumNeuron, NeuronState
from fusi_models.engines.calcium_synapse import Trace, start
from fusi_models.engines.package import b2
from fusi_models.engines.session import session
from fusi_models.models.calcium import CalciumSynapse
from fusi_models.synapse import Values

Target = Literal["numpy", "cython"]

FLUX = b2.uM / b2.ms / b2.mV

DRIVING = "H = (V - reversal)/(1 + exp(-0.062*V/mV)*magnesium/3.57) : volt"

BPAP = """
db_fast/dt = -b_fast/tau_b_fast : volt
db_slow/dt = -b_slow/tau_b_slow : volt
"""

# x is never 0: Brian2's exponential Euler divides by eta, and without calcium would answer 0/0.
WEIGHT = """
dfast/dt = -fast/tau_fast : 1 (clock-driven)
dslow/dt = -slow/tau_slow : 1 (clock-driven)
dc/dt = {g}*(fast + slow)*{H} - c/tau_c : mmolar (clock-driven)
dw/dt = eta*(Omega{decay}) : 1 (clock-driven)
x = 1e-30 + x_floor + (c/uM + x_shift)**{power} : 1
eta = rate*x/(half + scale*x) : hertz
Omega = base + 1/(1 + exp(-potentiate*(c/uM - high))) - dip/(1 + exp(-depress*(c/uM - low))) : 1
"""

OWN_DENDRITE = """
drise/dt = -rise/tau_rise : volt (clock-driven)
dfall/dt = -fall/tau_fall : volt (clock-driven)
V = rest + fall - rise + b_fast + b_slow : volt
"""

CELL = """
dv/dt = (v_reset - v - g_e*(v - E_e) - g_i*(v - E_i))/tau : volt
dv_reset/dt = (rest - v_reset)/tau_reset : volt
dg_e/dt = -g_e/tau_e : 1
dg_i/dt = -g_i/tau_i : 1
V = v_reset + b_fast + b_slow : volt
"""

OPEN = "fast += opening*(open_fast - fast)\nslow += opening*(open_slow - slow)"
SPIKE = "b_fast = spike_fast\nb_slow = spike_slow"


def synapse_equations(synapse: CalciumSynapse, conductance: str = "g", driving: str = "H") -> str:
    """Receptors, calcium and weight as Synapses equations; ``conductance``, ``driving``: names where they are found."""
    decay = f" - {synapse.decay!r}*w" if synapse.decay else ""
    return WEIGHT.format(g=conductance, H=driving, decay=decay, power=synapse.rate.power)


def conductance_equation(synapse: CalciumSynapse, square: str) -> str:
    """The drift of g where ``square`` is (V - V_rest)^2; g alone where there is no metaplasticity."""
    if not (synapse.meta.recover or synapse.meta.suppress):
        return "g : mmolar/second/volt"
    return f"dg/dt = recover*(g_target - g) - suppress*{square}*g : mmolar/second/volt"


def namespace(synapse: CalciumSynapse) -> dict[str, Any]:
    """The constants of the equations, with their units."""
    s, omega, rate, meta = synapse, synapse.omega, synapse.rate, synapse.meta
    nmda, bpap, ms, mV = s.receptor, s.bpap, b2.ms, b2.mV
    return {
        "base": omega.base, "dip": omega.dip, "low": omega.low, "high": omega.high, "depress": omega.depress,
        "potentiate": omega.potentiate, "rate": rate.rate / ms, "half": rate.half, "scale": rate.scale,
        "x_floor": rate.floor, "x_shift": rate.shift, "lowest": s.lowest, "highest": s.highest,
        "tau_c": s.tau_calcium * ms, "opening": s.opening, "open_fast": nmda.size * nmda.fast,
        "open_slow": nmda.size * nmda.slow, "tau_fast": nmda.tau_fast * ms, "tau_slow": nmda.tau_slow * ms,
        "spike_fast": bpap.size * bpap.fast * mV, "spike_slow": bpap.size * bpap.slow * mV,
        "tau_b_fast": bpap.tau_fast * ms, "tau_b_slow": bpap.tau_slow * ms, "epsp": s.epsp * mV,
        "tau_rise": s.tau_rise * ms, "tau_fall": s.tau_fall * ms, "rest": s.rest * mV, "reversal": s.reversal * mV,
        "magnesium": s.magnesium, "g_target": meta.target * FLUX, "recover": meta.recover / ms,
        "suppress": meta.suppress / ms / mV**2, "mV": mV, "uM": b2.uM,
    }  # fmt: skip


def cell_namespace(neuron: CalciumNeuron) -> dict[str, Any]:
    """The same for the cell."""
    n, ms, mV = neuron, b2.ms, b2.mV
    return namespace(n.synapse) | {
        "tau": n.tau * ms, "threshold": n.threshold * mV, "excite": n.excite, "inhibit": n.inhibit,
        "tau_e": n.tau_excited * ms, "tau_i": n.tau_inhibited * ms, "E_e": n.reversal_excited * mV,
        "E_i": n.reversal_inhibited * mV, "drop": n.drop * mV, "tau_reset": n.tau_reset * ms,
    }  # fmt: skip


def follow_brian(
    synapse: CalciumSynapse,
    pre: Values,
    post: Values,
    dt: float = 0.1,
    weight: float | Values = 0.25,
    every: int = 1,
    target: Target = "numpy",
) -> Trace:
    """``calcium_synapse.follow`` from rest, computed by Brian2; without a held voltage."""
    with session(target):
        return _follow(synapse, np.asarray(pre, bool), np.asarray(post, bool), dt, weight, every)


def _follow(synapse: CalciumSynapse, pre: Values, post: Values, dt: float, weight: float | Values, every: int) -> Trace:
    clock, units = dt * b2.ms, namespace(synapse)
    sources = [_generator(grid, clock) for grid in (pre, post)]
    local = BPAP.replace(": volt", ": volt (clock-driven)")
    meta = conductance_equation(synapse, "(V - rest)**2").replace("volt", "volt (clock-driven)")
    if not meta.startswith("dg/dt"):
        meta = meta.replace(" (clock-driven)", "")
    text = "\n".join([synapse_equations(synapse), OWN_DENDRITE, local, DRIVING, meta])
    links = b2.Synapses(
        *sources, text, on_pre=f"{OPEN}\nrise += epsp\nfall += epsp", on_post=SPIKE, namespace=units, dt=clock,
        method="exponential_euler",
    )  # fmt: skip
    links.connect(j="i")
    links.post.delay = synapse.delay * b2.ms
    initial = start(synapse, pre.shape[1], weight)
    links.w, links.g = initial[loops.WEIGHT], initial[loops.CONDUCTANCE] * FLUX
    bounds = links.run_regularly("w = clip(w, lowest, highest)", dt=clock, when="after_groups")
    monitor = b2.StateMonitor(links, ["c", "w", "g"], record=True, dt=every * clock)
    b2.Network(*sources, links, bounds, monitor).run(len(pre) * clock, namespace={})
    rows = [links.fast, links.slow, links.c / b2.uM, links.w, links.g / FLUX]
    rows += [x / b2.mV for x in (links.b_fast, links.b_slow, links.rise, links.fall)]
    c, w, g = (np.asarray(x).T for x in (monitor.c / b2.uM, monitor.w, monitor.g / FLUX))
    return Trace(np.asarray(monitor.t / b2.ms), c, w, g, np.array([np.asarray(row) for row in rows]))


def advance_brian(
    neuron: CalciumNeuron,
    state: NeuronState,
    excite: Values,
    inhibit: Values,
    dt: float = 1.0,
    target: Target = "numpy",
) -> tuple[NeuronState, Values]:
    """``calcium_neuron.advance`` with plasticity on, computed by Brian2."""
    with session(target):
        return _advance(neuron, state, np.asarray(excite, bool), np.asarray(inhibit, float), dt)


def _advance(
    neuron: CalciumNeuron, state: NeuronState, excite: Values, inhibit: Values, dt: float
) -> tuple[NeuronState, Values]:
    clock, units = dt * b2.ms, cell_namespace(neuron)
    units["spikes"] = b2.TimedArray(np.append(inhibit, 0.0), dt=clock)
    source = _generator(excite, clock)
    square = conductance_equation(neuron.synapse, "(b_fast + b_slow)**2")
    cell = b2.NeuronGroup(
        1, "\n".join([CELL, BPAP, DRIVING, square]), threshold="v > threshold",
        reset=f"v_reset -= drop\nv = v_reset\n{SPIKE}", namespace=units, dt=clock, method="exponential_euler",
    )  # fmt: skip
    links = b2.Synapses(
        source, cell, synapse_equations(neuron.synapse, "g_post", "H_post"), namespace=units, dt=clock,
        on_pre=f"{OPEN}\ng_e_post += excite*w", method="exponential_euler",
    )  # fmt: skip
    links.connect()
    links.state_updater.order = -1
    bounds = links.run_regularly("w = clip(w, lowest, highest)", dt=clock, when="after_groups")
    inhibition = cell.run_regularly("g_i += inhibit*spikes(t)", dt=clock, when="synapses")
    links.fast, links.slow, links.w = (state.synapses[k] for k in (loops.FAST, loops.SLOW, loops.WEIGHT))
    links.c = state.synapses[loops.CALCIUM] * b2.uM
    scales = {"v": b2.mV, "v_reset": b2.mV, "g_e": 1, "g_i": 1, "b_fast": b2.mV, "b_slow": b2.mV, "g": FLUX}
    for (name, unit), value in zip(scales.items(), state.cell, strict=True):
        setattr(cell, name, value * unit)
    monitor = b2.SpikeMonitor(cell)
    b2.Network(source, cell, links, bounds, inhibition, monitor).run(len(excite) * clock, namespace={})
    fired = np.zeros(len(excite), bool)
    fired[np.round(np.asarray(monitor.t / clock)).astype(int)] = True
    synapses = np.array([np.asarray(x) for x in (links.fast, links.slow, links.c / b2.uM, links.w)])
    cell_now = np.array([float(np.asarray(getattr(cell, name) / unit)[0]) for name, unit in scales.items()])
    return NeuronState(synapses, cell_now), fired


def _generator(grid: Values, clock: Any) -> b2.SpikeGeneratorGroup:
    steps, index = np.nonzero(grid)
    return b2.SpikeGeneratorGroup(grid.shape[1], index, steps * clock, dt=clock)
