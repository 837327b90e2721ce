"""The same synapse models as Brian2 Synapses, on Brian2's three targets.

A model brings its own Brian2 code (``declarations``, ``on_event``, ``efficacy_code``), so nothing is written twice.
One step of 1 ms is one candidate event; step 0 stores the tracked memory; the overlap is read at the end of a step.

Protocols:
    "abstract": every synapse draws its own candidate event at every step, as in the ideal-observer theory.
    "spikes":   one synapse between each pair of a pre- and a postsynaptic neuron, both driven from outside. A
                presynaptic spike (probability ``active`` a step) is the candidate event; it potentiates if the
                postsynaptic neuron fires in the same step (probability f_pot), and depresses otherwise.
"""

import tempfile
from collections.abc import Sequence
from typing import Literal

import brian2 as b2
import numpy as np
from tqdm import tqdm

from fusi_models.simulate import check_reading, trial_curve, whole_count
from fusi_models.synapse import MarkovSynapse, SynapseModel, check_fraction
from fusi_models.theory import MemoryCurve

Target = Literal["numpy", "cython", "cpp_standalone"]
Protocol = Literal["abstract", "spikes"]

STEP = 1 * b2.ms


def simulate_brian(
    syn: SynapseModel,
    times: np.ndarray,
    synapses: int,
    trials: int,
    seed: int,
    target: Target = "numpy",
    protocol: Protocol = "abstract",
    active: float = 1.0,
    burn_in: int = 0,
    progress: bool = False,
) -> MemoryCurve:
    """The memory curve of ``trials`` populations of ``synapses`` synapses, all stepped in one Brian2 network.

    ``times``: [time], whole steps, increasing. ``active``: probability that a later memory touches a synapse; the
    tracked one touches all (compare with theory for synapses / active). ``burn_in``: events before Brian2 takes over,
    for models that do not start from their equilibrium. Events potentiate with probability ``syn.f_pot``.
    Raises ``ValueError`` for bad times, counts, targets or protocols.
    """
    return _run([syn], syn.on_event, {}, times, synapses, trials, seed, target, protocol, active, burn_in, progress)[0]


def sweep_brian(
    models: Sequence[MarkovSynapse],
    times: np.ndarray,
    synapses: int,
    trials: int,
    seed: int,
    target: Target = "cpp_standalone",
    protocol: Protocol = "abstract",
    active: float = 1.0,
    progress: bool = False,
) -> list[MemoryCurve]:
    """``simulate_brian`` for each of ``models``, compiled once: transition probabilities are parameters.

    All models use Brian2's same random stream (common random numbers) from different initial states.
    Raises ``ValueError`` unless the models have the same states and the same possible transitions.
    """
    if not models:
        raise ValueError("models is empty: give at least one.")
    code = {syn.event_code({name: name for name in syn.bounds}) for syn in models}
    if len(code) > 1:
        raise ValueError("a sweep needs models with the same states and possible transitions, such as one depth.")
    parameters = {name: [syn.bounds[name] for syn in models] for name in models[0].bounds}
    return _run(models, code.pop(), parameters, times, synapses, trials, seed, target, protocol, active, 0, progress)


def _run(models, code, parameters, times, synapses, trials, seed, target, protocol, active, burn_in, progress):
    times = check_reading(times, "discrete", trials)
    size = whole_count(synapses) * trials
    check_fraction("active", active)
    if target not in ("numpy", "cython", "cpp_standalone"):
        raise ValueError(f"target must be numpy, cython or cpp_standalone, got {target!r}.")
    if protocol not in ("abstract", "spikes"):
        raise ValueError(f"protocol must be abstract or spikes, got {protocol!r}.")
    starts = [_start(syn, size, burn_in, np.random.default_rng([seed, k])) for k, syn in enumerate(models)]
    values = [
        {name: column[k] for name, column in parameters.items()}
        | {"f_pot": syn.f_pot, "firing": syn.f_pot, "ideal": ideal, "wanted": ideal, **variables}
        for k, (syn, (variables, ideal, _)) in enumerate(zip(models, starts, strict=True))
    ]
    read = _standalone if target == "cpp_standalone" else _runtime
    connect = {"abstract": _abstract, "spikes": _spiking}[protocol]

    def make():
        return connect(models[0], code, parameters, times, size // trials, trials, active)

    sums = read(make, values, (times[-1] + 1) * STEP, seed, target, progress)
    curves = []
    for syn, (_, ideal, before), total in zip(models, starts, sums, strict=True):
        sign = ideal.reshape(trials, -1)
        overlap = total.reshape(len(np.unique(times)), trials, -1).sum(-1) - before.mean() * sign.sum(1)
        overlap = overlap[np.searchsorted(np.unique(times), times)] / sign.shape[1]
        curves.append(trial_curve(times, overlap, before.var() / sign.shape[1], syn.name))
    return curves


def _start(syn, size, burn_in, rng):
    """Initial values of the model's variables, the tracked pattern, and the efficacies before it is stored."""
    state = syn.init((size,), rng)
    for _ in range(burn_in):
        state = syn.update(state, 2 * (rng.random(size) < syn.f_pot) - 1, rng)
    return syn.variables(state), 2 * (rng.random(size) < syn.f_pot) - 1, syn.efficacy(state)


def _reading(times):
    flags = np.zeros(int(times[-1]) + 2)
    flags[np.asarray(times, int)] = 1
    return b2.TimedArray(flags, dt=STEP)


def _synapses(source, target, syn, parameters, candidate, extra="", on_post=()):
    shared = "".join(f"{name} : 1 (shared)\n" for name in ("f_pot", *parameters))
    objects = b2.Synapses(
        source,
        target,
        f"{syn.declarations}\nideal : integer\n{extra}{shared}",
        on_pre={"candidate": candidate, "read": f"overlap_post += ideal*{syn.efficacy_code}"},
        on_post=on_post or None,
        on_event={"candidate": "spike", "read": "read"} | dict.fromkeys(on_post, "spike"),
        namespace={},
        dt=STEP,
    )
    objects.candidate.order, objects.read.order = 1, 2
    return objects


def _group(size, model, threshold, namespace):
    reset = None if threshold is None else ""
    events = {"read": "reading(t) > 0.5"}
    return b2.NeuronGroup(size, model, threshold=threshold, reset=reset, events=events, dt=STEP, namespace=namespace)


def _abstract(syn, code, parameters, times, synapses, trials, active):
    """One clock neuron that fires at every step, and one observer a trial that collects the overlap."""
    reading = {"reading": _reading(times)}
    clock = _group(1, "", "True", reading)
    observers = _group(trials, "overlap : 1", None, reading)
    draw = f"""
        r = rand()
        random_drive = int(r < {active!r}*f_pot) - int(r >= {active!r}*f_pot)*int(r < {active!r})
        drive = int(t < 0.5*dt)*ideal + int(t >= 0.5*dt)*random_drive
    """
    links = _synapses(clock, observers, syn, parameters, f"{draw}\n{code}")
    links.connect(n=synapses)
    return _collect(clock, observers, links)


def _spiking(syn, code, parameters, times, synapses, trials, active):
    """As many pairs of neurons as synapses; what both do at step 0 is the tracked memory."""
    size, reading = synapses * trials, {"reading": _reading(times), "active": active}
    pre = _group(size, "", "t < 0.5*dt or rand() < active", reading)
    threshold = "(t < 0.5*dt and wanted > 0) or (t >= 0.5*dt and rand() < firing)"
    post = _group(size, "overlap : 1\nwanted : integer\nfiring : 1 (shared)", threshold, reading)
    candidate = f"drive = 2*int(abs(t/dt + 1 - fired) < 0.5) - 1\n{code}"
    links = _synapses(pre, post, syn, parameters, candidate, "fired : 1\n", {"paired": "fired = t/dt + 1"})
    links.connect(j="i")
    links.paired.order = 0
    return _collect(pre, post, links)


def _collect(source, target, links):
    target.run_on_event("read", "overlap = 0", when="end")
    monitor = b2.EventMonitor(target, "read", variables="overlap", when="after_synapses")
    return b2.Network(source, target, links, monitor), (links, target), monitor


def _assignments(groups, values):
    """(group, name, value) for every group that owns a variable of that name (Synapses also show their neurons')."""
    return [
        (group, name, np.ascontiguousarray(value) if np.ndim(value) else value)
        for group in groups
        for name, value in values.items()
        if name in group.variables and group.variables[name].owner.name == group.name
    ]


def _runtime(make, values, duration, seed, target, progress):
    saved, sums = b2.prefs.codegen.target, []
    b2.prefs.codegen.target = target
    try:
        for k, value in enumerate(values):
            network, groups, monitor = make()
            for group, name, array in _assignments(groups, value):
                setattr(group, name, array)
            b2.seed(seed)
            with tqdm(total=100, disable=not progress, desc=f"Brian2 {target} {k + 1}/{len(values)}", unit="%") as bar:

                def report(elapsed, done, start, duration, bar=bar):
                    bar.update(round(100 * done) - bar.n)

                network.run(duration, report=report if progress else None, report_period=0.5 * b2.second, namespace={})
            sums.append(np.array(monitor.overlap))
    finally:
        b2.prefs.codegen.target = saved
    return sums


def _standalone(make, values, duration, seed, target, progress):
    sums = []
    with tempfile.TemporaryDirectory() as folder:
        b2.set_device("cpp_standalone", build_on_run=False)
        try:
            b2.seed(seed)
            network, groups, monitor = make()
            network.run(duration, report="stderr" if progress else None, namespace={})
            b2.device.build(directory=folder, run=False)
            for value in values:
                arguments = {getattr(group, name): array for group, name, array in _assignments(groups, value)}
                b2.device.run(run_args=arguments)
                sums.append(np.array(monitor.overlap))
        finally:
            b2.device.reinit()
            b2.set_device("runtime")
    return sums
