"""The layer of ``spike_driven`` in Brian2, from the same equations and with the same spikes.

Order of a step: input spikes, decay of calcium and gates, synapses, membrane, threshold, reset. Brian2's usual order
applies synaptic input after the threshold test; the schedule below undoes that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np

from fusi_models.engines.package import b2
from fusi_models.models.brader import GATE, Hidden
from fusi_models.networks.spike_driven import Circuit, Events, Outcome, check_key, drive_a_step, uniform_start
from fusi_models.synapse import Values

Target = Literal["numpy", "cython"]

SCHEDULE = ["start", "groups", "synapses", "thresholds", "resets", "end"]
NEURONS = """
v : 1
c : 1
gate : integer
excited : 1
learning : integer (shared)
"""
MEMBRANE = """
v = clip(v + weight*excited - inhibiting*arrived(t) + driven(t, i) - leak, 0, inf)
excited = 0
"""

_DRAW = """
cdef double draw(double key, double step, int i, int j):
    cdef unsigned long long z, k
    z = ((<unsigned long long>key) << 32) + (<unsigned long long>step) + 0x9E3779B97F4A7C15ull
    for k in range(2):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull
        z = z ^ (z >> 31)
        if k == 0:
            z = z ^ (((<unsigned long long>i) << 32) + (<unsigned long long>j))
    return (<double>(z >> 11)) * 1.1102230246251565e-16
"""


def _mixed(z: Values) -> Values:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


@b2.implementation("cython", _DRAW)  # type: ignore[untyped-decorator]
@b2.check_units(key=1, step=1, i=1, j=1, result=1)  # type: ignore[untyped-decorator]
def draw(key: Values, step: Values, i: Values, j: Values) -> Values:
    """The uniform number of synapse (i, j) in a step; the compiled loops have the same."""
    whole = [np.atleast_1d(np.asarray(value)).astype(np.uint64) for value in (key, step, i, j)]
    salt = _mixed((whole[0] << np.uint64(32)) + whole[1] + np.uint64(0x9E3779B97F4A7C15))
    z = _mixed(salt ^ ((whole[2] << np.uint64(32)) + whole[3]))
    return (z >> np.uint64(11)).astype(float) * 2.0**-53


class BrianLayer:
    """The layer as Brian2 objects, built once; ``present`` shows presentations one after another in one run."""

    def __init__(self, circuit: Circuit, hidden: Hidden, inputs: int, units: int, target: Target = "cython"):
        if target not in ("numpy", "cython"):
            raise ValueError(f"There is no Brian2 target '{target}' here: choose numpy or cython.")
        self.circuit, self.hidden, self.inputs, self.units, self.target = circuit, hidden, inputs, units, target
        dt, whole = circuit.dt * b2.second, circuit.steps * circuit.dt * b2.second
        on_spike, on_rest, constants = hidden.brian(circuit.dt)
        on_gate = f"now = timestep(t, tick)\nstep = now % steps\nkey = name(t)\ngate = gate_post\n{on_spike}"
        self.namespace = (
            constants | circuit.constants() | circuit.gates.constants() | {"steps": circuit.steps, "tick": dt}
        )
        self.sources = b2.SpikeGeneratorGroup(inputs, [], [] * b2.second, dt=dt, when="start", order=5)
        self.neurons = b2.NeuronGroup(units, NEURONS, threshold="v >= 1", reset="v = 0\nc += 1", dt=dt)
        self.neurons.run_regularly("v = begin(t, i)\nc = 0", dt=whole, when="start")
        self.neurons.run_regularly(f"c = decay*c\n{GATE}\ngate = learning*gate", dt=dt, when="groups")
        self.neurons.run_regularly(MEMBRANE, dt=dt, when="thresholds", order=-1)
        self.plastic = b2.Synapses(
            self.sources,
            self.neurons,
            hidden.declarations,
            on_pre={"transmit": "excited_post += w", "change": on_gate},
            dt=dt,
        )
        self.plastic.transmit.order, self.plastic.change.order = 0, 1
        i, j = np.indices((inputs, units)).reshape(2, -1)
        self.plastic.connect(i=i, j=j)
        if on_rest:
            self.plastic.run_regularly(f"now = timestep(t, tick)\n{on_rest}", dt=whole, when="start")
        self.monitor = b2.SpikeMonitor(self.neurons)
        self.network = b2.Network(self.sources, self.neurons, self.plastic, self.monitor)
        self.network.schedule = SCHEDULE

    def present(
        self, state: Values, events: Sequence[Events], drive: Values, keys: Sequence[int], learn: bool = True
    ) -> Outcome:
        """As ``spike_driven.present``, which see."""
        circuit, shape = self.circuit, (len(events), self.circuit.steps, self.units)
        with _runtime(self.target):
            for name, values in self.hidden.variables(np.asarray(state, np.int8).ravel()).items():
                setattr(self.plastic, name, values)
            origin, before = round(float(self.network.t / b2.second) / circuit.dt), len(self.monitor.i)
            self._feed(events, drive, keys, origin)
            self.neurons.learning = int(learn)
            self.network.run(len(events) * circuit.steps * circuit.dt * b2.second, namespace=self.namespace)
            spikes = np.zeros((shape[0] * shape[1], self.units), bool)
            times = np.round(np.asarray(self.monitor.t)[before:] / circuit.dt).astype(int) - origin
            spikes[times, np.asarray(self.monitor.i)[before:]] = True
            names = [line.split(":")[0].strip() for line in self.hidden.declarations.splitlines()]
            after = self.hidden.from_variables({name: np.array(getattr(self.plastic, name)) for name in names})
        return Outcome(spikes.reshape(shape), after.reshape(np.shape(state)))

    def _feed(self, events: Sequence[Events], drive: Values, keys: Sequence[int], origin: int) -> None:
        """What the presentations from step ``origin`` on are shown: spikes, drive, starts of V, keys."""
        circuit, units = self.circuit, self.units
        steps, dt = circuit.steps, circuit.dt * b2.second
        counts = np.concatenate([np.diff(e.starts) for e in events])
        index = np.concatenate([e.who for e in events])
        times = origin + np.repeat(np.arange(len(counts)), counts)
        self.sources.set_spikes(index, times * dt, sorted=True)
        begin = np.array([uniform_start(units, check_key(key)) for key in keys])
        before = np.zeros((origin // steps, units))
        self.namespace |= {
            "draw": draw,
            "arrived": b2.TimedArray(np.append(np.zeros(origin), counts), dt=dt, name="arrived"),
            "name": b2.TimedArray(np.append(before[:, 0], keys), dt=steps * dt, name="name"),
            "begin": b2.TimedArray(np.vstack([before, begin]), dt=steps * dt, name="begin"),
            "driven": b2.TimedArray(np.vstack([before, drive_a_step(circuit, drive)]), dt=steps * dt, name="driven"),
        }


def present(
    circuit: Circuit,
    hidden: Hidden,
    state: Values,
    events: Sequence[Events],
    drive: Values,
    keys: Sequence[int],
    learn: bool = True,
    target: Target = "numpy",
) -> Outcome:
    """``spike_driven.present`` in Brian2, in a network of its own."""
    inputs, units = np.shape(state)
    return BrianLayer(circuit, hidden, inputs, units, target).present(state, events, drive, keys, learn)


@contextmanager
def _runtime(target: str) -> Iterator[None]:
    """The target for a while; numpy's global random stream, which Brian2 uses, is given back as it was."""
    before, stream = b2.prefs.codegen.target, np.random.get_state()
    b2.prefs.codegen.target = target
    try:
        yield
    finally:
        b2.prefs.codegen.target = before
        np.random.set_state(stream)
