"""``neuromorph memory-curve``: how long synapses remember, as a table, a figure and data."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import fusi_models as fm
from fusi_models.catalogue import parse
from fusi_models.checks import MOST_COUNT, check_fraction, count, whole
from fusi_models.seeds import generator
from fusi_models.synapse import Chain, FreshChain, Linear, find, need
from fusi_models.theory.coding import coding
from fusi_models.theory.correlated import aware_curve, correlated_curve
from fusi_models.theory.first_passage import passage_times, survival
from fusi_models.theory.optimise import optimise
from fusi_models.theory.pairs import GATING
from fusi_models.theory.transient import transient_curve
from neuromorph.atomic import finite, write_json, write_text
from neuromorph.outputs import check_files
from neuromorph.page.curves import curves_csv, figure, lifetime_table, summary_csv, table
from neuromorph.page.svg import drawing
from neuromorph.tables import deviation

ROUNDING = 1e-11  # of the largest signal: below it the theory of a signal that is over is rounding error,
NOTHING = 1e-14  # and below this that of a model that stores none
LARGEST = 1e100  # of numbers whose squares are drawn on logarithmic axes
MOST_POINTS, MOST_STATES = 100_000, 1000


@dataclass(frozen=True)
class MemoryCurveArgs:
    """Memory curves of synapse models: the signal-to-noise ratio of one memory as later ones overwrite it."""

    models: tuple[str, ...] = ("cascade:depth=10",)
    """Models to overlay, each NAME or NAME:OPTION=VALUE,..., in the regime "theory", where every candidate event is
    accepted: plain (q=1), cascade (depth, x=0.5, rate=1), multistate (states, q=1, rate=1), serial (states, eps=0.01,
    rate=1), hidden (m, step=0.02, bound=1, width=0.2, leak=0), uncertain (window=20, ...), benna-fusi (levels, base=2,
    alpha=0.25, values, binary); NAME@local and NAME@gradient take the numbers of compare and of train; or file:PATH, an
    .npz with the arrays potentiation, depression [state, state] and strength [state]."""
    engine: Literal["theory", "lumped", "brian2"] = "theory"
    """Exact theory; exact simulation of finite populations; or Brian2."""
    synapses: float = 1e6
    """Number of synapses N."""
    last: float = 1e4
    """Age of the memory at the last reading, in candidate events per synapse."""
    points: int = 60
    """Number of readings, evenly spaced in the logarithm of the age."""
    x: float = 0.5
    """Ratio between the levels of a cascade, where a model does not give its own."""
    f_pot: float = 0.5
    """Fraction of the events that potentiate."""
    active: float = 1.0
    """Fraction of the synapses that a memory touches."""
    lifetimes: tuple[float, ...] = ()
    """Numbers of synapses: beside the curves, the lifetime at each of them, as a table, a panel and a CSV."""
    optimise: tuple[float, ...] = ()
    """Ages: beside the models, the chain that a numeric search finds strongest at each of them."""
    states: int | None = None
    """Number of states of these chains; by default the largest among the models, else 6."""
    observer: Literal["ideal", "correlated", "first-passage"] = "ideal"
    """Who reads the memory: an observer of independent synapses; of a whole network, whose synapses share neurons
    (beside the curve of independent ones, with and without knowing the correlations); or a threshold unit, which has
    lost the memory when this memory's own signal first falls to the threshold (finite chains; trials simulated)."""
    rule: Literal["pre", "post", "symmetric", "coincidence"] = "pre"
    """With --coding or the observer "correlated": how the two neurons of a synapse gate its events."""
    coding: float | None = None
    """Coding level, the fraction of the neurons that are active in a memory; with the rule it sets active and f_pot
    (observer "correlated": 0.5 where it is not given)."""
    events: Literal["discrete", "poisson"] = "discrete"
    """One event per synapse and step, or Poisson events (not in Brian2)."""
    threshold: float = 1.0
    """SNR below which a memory counts as lost; the signal of a threshold unit, in units of the noise."""
    trials: int = 20
    """Simulations only: number of populations."""
    seed: int = 0
    """Simulations only: seed of the random numbers."""
    burn_in: int = 0
    """Simulations of hidden weights only: events before the memory, to reach the equilibrium."""
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy"
    """Brian2's code generation target."""
    out: Path = Path("memory-curve")
    """Files to write: this name with .json, .csv (every reading), -summary.csv (the table) and .svg."""


def memory_curve(args: MemoryCurveArgs) -> None:
    """Compute, print the table and write the three files; raises ``ValueError`` or ``OSError`` for a user's mistake."""
    if args.points < 2 or not args.last >= 1:
        raise ValueError(f"a curve needs points >= 2 and last >= 1, got points={args.points}, last={args.last:g}.")
    if not args.models:
        raise ValueError("name at least one model, for example cascade:depth=10.")
    count("points", args.points, MOST_POINTS)
    for name, value in (("synapses", args.synapses), ("last", args.last)):
        if not value <= LARGEST:
            raise ValueError(f"{name} must be a number of at most {LARGEST:g}, got {value}.")
    check_fraction("x", args.x)
    whole("seed", args.seed)
    whole("burn-in", args.burn_in, most=MOST_COUNT)
    count("trials", args.trials)
    if args.observer != "ideal" and args.engine != "theory":
        raise ValueError(f"the observer '{args.observer}' has engine theory only, got {args.engine}.")
    if not (0 < args.threshold <= LARGEST or (args.threshold == 0 and args.observer == "first-passage")):
        raise ValueError(
            f"threshold must be finite and above 0 (or 0, first passage only), at most {LARGEST:g}: got "
            f"{args.threshold}."
        )
    _check_asked(args)
    more = ["-summary.csv", *["-lifetimes.csv"] * bool(args.lifetimes)]
    args = replace(args, out=check_files(args.out, ("json", "csv", "svg"), ("arguments", "curves"), more))
    args = _coded(args)
    models = [parse_model(text, args.x, args.f_pot) for text in args.models]
    models += [_optimised(models, age, args) for age in args.optimise]
    times = np.unique(np.append(0, np.geomspace(1, args.last, args.points).round()))
    shown = [(syn, curve) for syn in models for curve in _curves(syn, times, args)]
    curves = [curve for _, curve in shown]
    rows = [_summary(syn, curve, args) for syn, curve in shown]
    passages = [_passage(syn, args) for syn in models] if args.observer == "first-passage" else []
    for row, found in zip(rows, passages, strict=False):
        row |= _passage_summary(found, times)
    print(table(rows, args))
    theories = [_beside(syn, curve, args) if args.engine != "theory" else None for syn, curve in shown]
    ages = [[_lifetime(syn, n, args) for n in args.lifetimes] for syn in models]
    names = [syn.name for syn in models]
    arguments = asdict(args) | {"out": str(args.out)}
    data = [
        {"summary": row}
        | {k: _plain(v) for k, v in asdict(c).items()}
        | ({"theory": _plain(t.snr)} if t is not None else {})
        for row, c, t in zip(rows, curves, theories, strict=True)
    ]
    content = {"arguments": arguments, "curves": data, **_by_synapses(names, ages, args)}
    write_json(f"{args.out}.json", finite(content))
    write_text(f"{args.out}.csv", curves_csv(curves))
    write_text(f"{args.out}-summary.csv", summary_csv(rows))
    survivals = [row["survival"] for row in rows if "survival" in row]
    write_text(f"{args.out}.svg", drawing(figure(models, curves, args, survivals, theories, ages)))
    if args.lifetimes:
        long = lifetime_table(names, args.lifetimes, ages)
        print(long.text())
        write_text(f"{args.out}-lifetimes.csv", long.csv())
    tables = f"{args.out}-summary.csv" + f" and {args.out}-lifetimes.csv" * bool(args.lifetimes)
    print(f"wrote {args.out}.json, .csv and .svg, {tables}")


def _check_asked(args: MemoryCurveArgs) -> None:
    """Numbers in lists, before anything is computed; and nothing that would be taken and not used."""
    for name, values, least in (("lifetimes", args.lifetimes, 1), ("optimise", args.optimise, 0)):
        for value in values:
            if not least <= value <= LARGEST:
                raise ValueError(f"{name} must be numbers from {least} to {LARGEST:g}, got {value:g}.")
    if args.engine != "theory":
        whole("synapses", args.synapses, 1)
    if args.states is not None and not args.optimise:
        raise ValueError("--states is of the chains of --optimise: give it ages, or leave out --states.")
    if args.coding is not None and not 0 < args.coding < 1:
        raise ValueError(f"coding must lie above 0 and below 1, got {args.coding:g}.")
    coded = args.coding is not None or args.observer == "correlated"
    if args.rule != "pre" and not coded:
        raise ValueError("--rule says what a coding level does to a synapse: give --coding, or leave out --rule.")
    if args.f_pot != 0.5 and coded:
        raise ValueError(f"the coding level and the rule set f_pot: leave out --f-pot, got {args.f_pot:g}.")


def _coded(args: MemoryCurveArgs) -> MemoryCurveArgs:
    """With what the coding level means for synapses that are taken as independent."""
    if args.observer == "correlated":
        if args.active != 1:
            raise ValueError("the observer 'correlated' takes --coding and --rule in place of --active.")
        return replace(args, coding=0.5 if args.coding is None else args.coding)
    if args.coding is not None:
        if args.active != 1:
            raise ValueError(f"--coding sets the active fraction: leave out --active, got {args.active:g}.")
        active, f_pot = coding(args.coding, args.rule)
        args = replace(args, active=active, f_pot=f_pot)
    if args.active != 1 and (args.engine == "brian2" or args.observer == "first-passage"):
        asked = "engine brian2" if args.engine == "brian2" else "the observer 'first-passage'"
        raise ValueError(f"{asked} has memories that touch all synapses only, got active={args.active:g}.")
    return args


def _theory(syn: fm.SynapseModel, times: np.ndarray, args: MemoryCurveArgs) -> fm.MemoryCurve | None:
    """The exact curve; None for a model that has none. What is rounding error of a signal that is over is 0."""
    if find(syn, Linear) is None:
        return None
    curve = fm.memory_curve(syn, times, args.synapses, args.events, active=args.active)
    signal = np.where(np.abs(curve.signal) > max(NOTHING, ROUNDING * np.abs(curve.signal).max()), curve.signal, 0.0)
    return replace(curve, signal=signal, snr=signal / curve.noise)


def _fresh(syn: fm.SynapseModel, args: MemoryCurveArgs) -> bool:
    """Whether a simulation begins, or burns in, away from the equilibrium: a hidden weight takes very long to it."""
    return args.engine != "theory" and find(syn, Chain) is None and find(syn, FreshChain) is not None


def _beside(syn: fm.SynapseModel, simulated: fm.MemoryCurve, args: MemoryCurveArgs) -> fm.MemoryCurve | None:
    """The theory of what was simulated: of a memory stored after the burn-in where that is not at equilibrium."""
    if not _fresh(syn, args):
        return _theory(syn, simulated.times, args)
    signal = transient_curve(syn, simulated.times, 1, args.f_pot, args.burn_in)
    return replace(simulated, signal=signal, snr=signal / simulated.noise, error=np.zeros(len(signal)))


def _lifetime(syn: fm.SynapseModel, synapses: float, args: MemoryCurveArgs) -> float | None:
    """In theory; None where there is none, or it cannot be found within 1e13 events."""
    try:
        return fm.lifetime(syn, synapses, args.threshold, args.events, active=args.active)
    except ValueError:
        return None


def _by_synapses(names: list[str], found: list[list[float | None]], args: MemoryCurveArgs) -> dict[str, Any]:
    if not args.lifetimes:
        return {}
    return {"lifetimes": {"synapses": list(args.lifetimes), **dict(zip(names, found, strict=True))}}


def parse_model(text: str, x: float = 0.5, f_pot: float = 0.5) -> fm.SynapseModel:
    """The model that ``text`` names, such as ``cascade:depth=10,x=0.3``.

    Raises ``ValueError`` for an unknown model or option, ``OSError`` for a file that cannot be read.
    """
    model: Any = parse(text, "theory", x=x, f_pot=f_pot)
    found = find(replace(model, f_pot=f_pot), Chain)
    if found is not None and found.chain().states > MOST_STATES:
        raise ValueError(f"'{text}' has {found.chain().states} states, which take hours: take at most {MOST_STATES}.")
    return replace(model, f_pot=f_pot)


def _optimised(models: list[fm.SynapseModel], age: float, args: MemoryCurveArgs) -> fm.SynapseModel:
    chains = [found.chain().states for found in (find(syn, Chain) for syn in models) if found is not None]
    states = args.states if args.states is not None else max(chains, default=6)
    return optimise(states, age, events=args.events, f_pot=args.f_pot, seed=args.seed)


def _curves(syn: fm.SynapseModel, times: np.ndarray, args: MemoryCurveArgs) -> list[fm.MemoryCurve]:
    """What is drawn for one model: one curve, or those of a network's three observers."""
    if args.observer != "correlated":
        return [_curve(syn, times, args)]
    level = args.coding
    assert level is not None
    chain, rule = need(syn, Chain).chain(), GATING[args.rule]
    neurons = round((1 + np.sqrt(1 + 4 * args.synapses)) / 2)
    active, f_pot = coding(level, args.rule)
    alone = fm.memory_curve(chain, times, neurons * (neurons - 1), args.events, f_pot, active)
    found = [
        replace(alone, name=f"{chain.name}, independent"),
        replace(correlated_curve(chain, times, neurons, rule, level, args.events), name=f"{chain.name}, shared"),
    ]
    if args.events == "discrete":
        aware = aware_curve(chain, times, neurons, rule, level)
        found.append(replace(aware, name=f"{chain.name}, aware"))
    return found


def _curve(syn: fm.SynapseModel, times: np.ndarray, args: MemoryCurveArgs) -> fm.MemoryCurve:
    if args.engine == "theory":
        need(syn, Linear)
        found = _theory(syn, times, args)
        assert found is not None
        return found
    if args.engine == "lumped":
        rng = generator("memory-curve", args.seed)
        return fm.simulate(
            syn, times, int(args.synapses), args.trials, rng, args.events, active=args.active, burn_in=args.burn_in,
            progress=True,
        )  # fmt: skip
    if args.events != "discrete":
        raise ValueError("Brian2 steps discrete events: leave out --events or choose another engine.")
    from fusi_models.engines.brian import simulate_brian

    return simulate_brian(
        syn, times, int(args.synapses), args.trials, args.seed, args.target, burn_in=args.burn_in, progress=True
    )


def _passage(syn: fm.SynapseModel, args: MemoryCurveArgs) -> np.ndarray:
    """[trial]: when the memory was lost; inf after the last age."""
    rng = generator("first passage", args.seed)
    return passage_times(syn, int(args.synapses), args.trials, rng, args.threshold, int(args.last), progress=True)


def _passage_summary(found: np.ndarray, times: np.ndarray) -> dict:
    """Mean and its standard error, with memories that outlived the last age counted as lost there."""
    seen = np.minimum(found, times[-1])
    error = deviation(seen) / np.sqrt(len(seen))
    kept = float(np.isinf(found).mean())
    return {
        "passage": float(seen.mean()), "passage_error": error, "kept": kept, "survival": survival(found, times).tolist()
    }  # fmt: skip


def _summary(syn: fm.SynapseModel, curve: fm.MemoryCurve, args: MemoryCurveArgs) -> dict:
    """One row of the table; ``None`` where the model has no theory, and for the share where no bound is known."""
    above = curve.times[curve.snr >= args.threshold]
    row = {"model": curve.name, "initial_snr": float(curve.snr[0]), "last_above": float(above.max(initial=0))}
    row |= {"lifetime": None, "area": None, "envelope_share": None, "censored": bool(curve.snr[-1] >= args.threshold)}
    if args.observer == "correlated" or find(syn, Linear) is None or _fresh(syn, args):
        return row
    row["lifetime"] = _lifetime(syn, args.synapses, args)
    try:
        row["area"] = fm.area(syn)
    except ValueError:
        return row
    found = find(syn, Chain)
    if found is not None and args.events == "poisson":  # it bounds no discrete curve
        row["envelope_share"] = float(fm.envelope_share(found.chain(), curve.times).max())
    return row


def _plain(value):
    """JSON has no arrays and no NaN."""
    return [v if np.isfinite(v) else None for v in value.tolist()] if isinstance(value, np.ndarray) else value
