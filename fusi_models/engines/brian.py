"""The same synapse models as Brian2 Synapses, on Brian2's three targets.

A model brings its own Brian2 code (``declarations``, ``on_event``, ``efficacy_code``), so nothing is written twice.
One step of 1 ms is one candidate event; step 0 stores the tracked memory; the overlap is read at the end of a step.

Protocols:
    "abstract": every synapse draws its own candidate event at every step, as in the ideal-observer theory.
    "spikes":   one synapse between each pair of a pre- and a postsynaptic neuron, both driven from outside. A
                presynaptic spike (probability ``active`` a step) is the candidate event; it potentiates if the
                postsynaptic neuron fires in the same step (probability f_pot), and depresses otherwise.

A synapse for a network of one's own: ``synapse_equations``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from tqdm.auto import tqdm

from fusi_models.checks import MOST_COUNT, check_fraction, whole
from fusi_models.engines.brian_synapse import Expression as Expression
from fusi_models.engines.brian_synapse import Pairing as Pairing
from fusi_models.engines.brian_synapse import Signal as Signal
from fusi_models.engines.brian_synapse import SynapseEquations as SynapseEquations
from fusi_models.engines.brian_synapse import synapse_equations as synapse_equations
from fusi_models.engines.monte_carlo import check_reading, trial_curve, whole_count
from fusi_models.engines.package import b2
from fusi_models.engines.session import Target as Target
from fusi_models.engines.session import check_target, session
from fusi_models.models.markov import MarkovSynapse
from fusi_models.seeds import generator, integer
from fusi_models.synapse import BrianText, Chain, SynapseModel, Values, find, need
from fusi_models.theory.curve import MemoryCurve

Protocol = Literal["abstract", "spikes"]
Numbers = dict[str, Any]  # values of Brian2 variables and lookup tables by name
Network = tuple[Any, tuple[Any, ...], Any, dict[str, Any]]  # network, groups, monitor, lookup tables

STEP = 1 * b2.ms
TABLES = ("bound_", "shift_")


def simulate_brian(
    syn: SynapseModel,
    times: Values,
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
    return _run([syn], times, synapses, trials, seed, target, protocol, active, burn_in, progress)[0]


def sweep_brian(
    models: Sequence[SynapseModel],
    times: Values,
    synapses: int,
    trials: int,
    seed: int,
    target: Target = "cpp_standalone",
    active: float = 1.0,
    progress: bool = False,
) -> list[MemoryCurve]:
    """``simulate_brian`` for each of ``models``; finite chains of any depths are compiled once.

    Transitions of chains are tables that each run replaces; other models have an equation each, and are compiled each.
    All runs use Brian2's same random stream (common random numbers) from different initial states and patterns.
    Raises ``ValueError`` for no models; see ``simulate_brian``.
    """
    if not models:
        raise ValueError("models is empty: give at least one.")
    if any(find(syn, Chain) is None for syn in models):
        runs = (_run([m], times, synapses, trials, seed, target, "abstract", active, 0, progress, k)
                for k, m in enumerate(models))  # fmt: skip
        return [curve for run in runs for curve in run]
    return _run(models, times, synapses, trials, seed, target, "abstract", active, 0, progress)


def _run(
    models: Sequence[SynapseModel],
    times: Values,
    synapses: int,
    trials: int,
    seed: int,
    target: Target,
    protocol: Protocol,
    active: float,
    burn_in: int,
    progress: bool,
    first: int = 0,
) -> list[MemoryCurve]:
    """``models``: one, or finite chains; ``first``: number of the first one in a sweep."""
    times, trials = check_reading(times, "discrete", trials), whole("trials", trials)
    size, burn_in = whole_count(synapses) * trials, whole("burn_in", burn_in, most=MOST_COUNT)
    check_fraction("active", active)
    check_target(target)
    if protocol not in ("abstract", "spikes"):
        raise ValueError(f"protocol must be abstract or spikes, got {protocol!r}.")
    rngs = [generator("Brian2: initial states and patterns", seed, first + k) for k in range(len(models))]
    starts = [_start(syn, size, burn_in, rng) for syn, rng in zip(models, rngs, strict=True)]
    tables = _tables(models, active) if protocol == "abstract" else [{} for _ in models]
    values = [
        {"f_pot": syn.f_pot, "firing": syn.f_pot, "ideal": ideal, "wanted": ideal, **variables, **table}
        for syn, (variables, ideal, _), table in zip(models, starts, tables, strict=True)
    ]
    connect = {"abstract": _abstract, "spikes": _spiking}[protocol]
    text = need(models[0], BrianText)

    def make(value: Numbers) -> Network:
        return connect(text, value, times, size // trials, trials, active)

    read = _standalone if target == "cpp_standalone" else _runtime
    stream = integer("Brian2: events and transitions", seed)
    with session(target) as folder:
        sums = read(make, values, (times[-1] + 1) * STEP, stream, folder, progress)
    curves = []
    for syn, (_, ideal, before), total in zip(models, starts, sums, strict=True):
        sign, distinct = ideal.reshape(trials, -1), np.unique(times)
        overlap = total.reshape(len(distinct), trials, -1).sum(-1) - before.mean() * sign.sum(1)
        overlap = overlap[np.searchsorted(distinct, times)] / sign.shape[1]
        curves.append(trial_curve(times, overlap, before.var() / sign.shape[1], syn.name))
    return curves


def _tables(models: Sequence[SynapseModel], active: float) -> list[Numbers]:
    """For each finite chain the values of the lookup tables of ``_lookup``, all of one size; none for other models.

    The bounds are scaled so that the number that draws the sign of the event also decides on the transition: it is
    uniform below active * f_pot for potentiation, and from there to ``active`` for depression.
    """
    found = [find(syn, Chain) for syn in models]
    chains: list[MarkovSynapse] = [one.chain() for one in found if one is not None]
    if len(chains) < len(models):
        return [{} for _ in models]
    pairs = [chain.tables() for chain in chains]
    rows, exits = max(p[0].shape[1] for p in pairs), max(p[0].shape[2] for p in pairs)
    values: list[Numbers] = []
    for chain, (bounds, shifts) in zip(chains, pairs, strict=True):
        scaled = np.stack([chain.f_pot + bounds[0] * (1 - chain.f_pot), bounds[1] * chain.f_pot]) * active
        pad = (rows - bounds.shape[1]) // 2
        wide = ((0, 0), (pad, pad), (0, exits - bounds.shape[2]))
        scaled = np.pad(scaled, wide, mode="edge")
        # the shift beyond this bound less the one beyond the next: sums of comparisons pick the first bound above
        steps = np.zeros(shifts.shape)
        later = np.zeros(shifts.shape[:2])
        for e in range(shifts.shape[2] - 1, -1, -1):
            real = np.diff(bounds, axis=2, prepend=0.0)[:, :, e] > 0
            steps[:, :, e] = np.where(real, shifts[:, :, e] - later, 0)
            later = np.where(real, shifts[:, :, e], later)
        steps = np.pad(steps, wide)
        order = (2, 1, 0)  # [exit, k, sign], flat in k and sign
        flat = {f"bound_{e}": scaled.transpose(order)[e].ravel() for e in range(exits)}
        values.append(flat | {f"shift_{e}": steps.transpose(order)[e].ravel() for e in range(exits)})
    return values


def _lookup(value: Numbers) -> tuple[str, dict[str, Any]]:
    """The rule as Brian2 code over ``r``, a number drawn as ``_tables`` says, and the tables as its namespace."""
    tables = {name: b2.TimedArray(v, dt=1 * b2.second, name=name) for name, v in value.items() if name[:6] in TABLES}
    exits = range(len(tables) // 2)
    offset = len(value["bound_0"]) // 4
    change = " + ".join(f"int(r < bound_{e}(place))*shift_{e}(place)" for e in exits)
    code = f"""
        place = (2*(strength*depth + {offset}) + up)*second
        k = strength*depth + {change}
        strength = 2*int(k > 0) - 1
        depth = int(abs(k))
    """
    return code, tables


def _start(
    syn: SynapseModel, size: int, burn_in: int, rng: np.random.Generator
) -> tuple[dict[str, Values], Values, Values]:
    """Initial values of the model's variables, the tracked pattern, and the efficacies before it is stored."""
    state = syn.init((size,), rng)
    for _ in range(burn_in):
        state = syn.update(state, 2 * (rng.random(size) < syn.f_pot) - 1, rng)
    return need(syn, BrianText).variables(state), 2 * (rng.random(size) < syn.f_pot) - 1, syn.efficacy(state)


def _reading(times: Values) -> Any:
    flags = np.zeros(int(times[-1]) + 2)
    flags[np.asarray(times, int)] = 1
    return b2.TimedArray(flags, dt=STEP)


def _synapses(
    source: Any,
    target: Any,
    syn: BrianText,
    paths: Mapping[str, str],
    on_post: Mapping[str, str] | None = None,
    extra: str = "",
    namespace: Mapping[str, Any] | None = None,
) -> Any:
    """``paths``: code by presynaptic event; each pathway runs in this order, reading last."""
    paths, on_post = {**paths}, on_post or {}
    paths |= {"read": f"overlap_post += ideal*{syn.efficacy_code}"}
    links = b2.Synapses(
        source,
        target,
        f"{syn.declarations}\nideal : integer\nf_pot : 1 (shared)\n{extra}",
        on_pre=paths,
        on_post=on_post or None,
        on_event={name: name for name in paths} | dict.fromkeys(on_post, "spike") | {"candidate": "spike"},
        namespace=namespace or {},
        dt=STEP,
    )
    for order, name in enumerate([*on_post, *paths]):
        getattr(links, name).order = order
    return links


def _group(size: int, model: str, threshold: str | None, namespace: Mapping[str, Any], **events: str) -> Any:
    reset = None if threshold is None else ""
    events = {"read": "reading(t) > 0.5"} | events
    return b2.NeuronGroup(size, model, threshold=threshold, reset=reset, events=events, dt=STEP, namespace=namespace)


def _abstract(syn: BrianText, value: Numbers, times: Values, synapses: int, trials: int, active: float) -> Network:
    """One clock neuron that fires at every step, and one observer a trial that collects the overlap."""
    reading = {"reading": _reading(times)}
    clock = _group(1, "", "t > 0.5*dt", reading, store="t < 0.5*dt")
    observers = _group(trials, "overlap : 1", None, reading)
    up = f"{active!r}*f_pot"
    if "bound_0" in value:
        rule, tables = _lookup(value)
        candidate = f"r = rand()\nup = int(r < {up})\n{rule}"
        store = f"up = int(ideal > 0)\nr = up*rand()*{up} + (1 - up)*({up} + rand()*{active!r}*(1 - f_pot))\n{rule}"
    else:
        rule, tables = syn.on_event, {}
        candidate = f"r = rand()\ndrive = int(r < {up}) - int(r >= {up})*int(r < {active!r})\n{rule}"
        store = f"drive = ideal\n{rule}"
    links = _synapses(clock, observers, syn, {"store": store, "candidate": candidate}, namespace=tables)
    links.connect(n=synapses)
    return _collect(clock, observers, links, tables)


def _spiking(syn: BrianText, value: Numbers, times: Values, synapses: int, trials: int, active: float) -> Network:
    """As many pairs of neurons as synapses; what both do at step 0 is the tracked memory."""
    size, reading = synapses * trials, {"reading": _reading(times), "active": active}
    pre = _group(size, "", "t < 0.5*dt or rand() < active", reading)
    threshold = "(t < 0.5*dt and wanted > 0) or (t >= 0.5*dt and rand() < firing)"
    post = _group(size, "overlap : 1\nwanted : integer\nfiring : 1 (shared)", threshold, reading)
    candidate = f"drive = 2*int(abs(t/dt + 1 - fired) < 0.5) - 1\n{syn.on_event}"
    links = _synapses(pre, post, syn, {"candidate": candidate}, {"paired": "fired = t/dt + 1"}, "fired : 1")
    links.connect(j="i")
    return _collect(pre, post, links, {})


def _collect(source: Any, target: Any, links: Any, tables: dict[str, Any]) -> Network:
    target.run_on_event("read", "overlap = 0", when="end")
    monitor = b2.EventMonitor(target, "read", variables="overlap", when="after_synapses")
    return b2.Network(source, target, links, monitor), (links, target), monitor, tables


def _assignments(groups: Sequence[Any], values: Numbers) -> list[tuple[Any, str, Any]]:
    """(group, name, value) for every group that owns a variable of that name (Synapses also show their neurons')."""
    return [
        (group, name, np.ascontiguousarray(value) if np.ndim(value) else value)
        for group in groups
        for name, value in values.items()
        if name in group.variables and group.variables[name].owner.name == group.name
    ]


Make = Callable[[Numbers], Network]


def _runtime(
    make: Make, values: Sequence[Numbers], duration: Any, seed: int, folder: str, progress: bool
) -> list[Values]:
    sums = []
    for k, value in enumerate(values):
        network, groups, monitor, _ = make(value)
        for group, name, array in _assignments(groups, value):
            setattr(group, name, array)
        b2.seed(seed)
        with tqdm(total=100, disable=not progress or None, desc=f"Brian2 {k + 1}/{len(values)}", unit="%") as bar:

            def report(elapsed: Any, done: float, start: Any, duration: Any, bar: Any = bar) -> None:
                bar.update(round(100 * done) - bar.n)

            network.run(duration, report=report if progress else None, report_period=0.5 * b2.second, namespace={})
        sums.append(np.array(monitor.overlap))
    return sums


def _standalone(
    make: Make, values: Sequence[Numbers], duration: Any, seed: int, folder: str, progress: bool
) -> list[Values]:
    b2.seed(seed)
    network, groups, monitor, tables = make(values[0])
    network.run(duration, report="stderr" if progress else None, namespace={})
    b2.device.build(directory=folder, run=False)
    sums = []
    for value in values:
        arguments = {getattr(group, name): array for group, name, array in _assignments(groups, value)}
        arguments |= {table: value[name] for name, table in tables.items()}
        b2.device.run(run_args=arguments)
        sums.append(np.array(monitor.overlap))
    return sums
