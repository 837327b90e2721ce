"""Optimal recall from bounded synapses, and correlations that strike back (Savin, Dayan & Lengyel 2011, 2013, 2014).

Left to right: the ideal observer's SNR with and without the correlations of synapses that share a neuron; rms error of
recall against the age of the pattern, age known and unknown; additive rules. The papers' equations and figures were not
at hand: from their abstracts and legends we know what they state; all formulae are derived here, and the decoders that
explain the other patterns are ours.

Agrees with what the papers state: activity-dependent learning correlates synapses (table; simulated networks agree);
ignoring it is catastrophic (factorised .65 additive and .67 cascade, against .40 for the cue alone); it applies to
additive and to cascade synapses; the remedy is a circuit motif (feedback inhibition and a product within the neuron:
the Brian2 network's error is .04 with both, .62 without inhibition, .70 without the product); recall and familiarity
work together (for the stopping rule, an age estimated from the cue costs less than .01 against the age known).
The covariance rule has no such correlations, and there nothing is gained (.003 against .005).
With the Hebb rule the 24 networks of seed 0 are kind to the aware decoder (.005): over six seeds of 24 its error is
.029 +- .008. In 6 of the 144 it is above .2: an answer that only resembles the pattern is more likely to its Gaussian.
The span of all stored patterns, which pairs of weights do not tell, makes no error in these 144 networks (explain,
below 1e-4), and fails in one of 144 with 40 or 60 patterns in place of 20.

Does not: knowing the correlations of pairs is not enough beyond age 3 of a cascade with 500 neurons. A newer pattern
captures the dynamics (.70), which is what three synapses or more tell. One of 8 networks is captured at age 2 already
(aware, .145 with standard error .077; none of 8 in two other sets, .037 and .066, with .091 and .069 at age 1). The
stopping rule stays below the cue at every age to 20. Explaining the newer patterns away does much better, without
knowing the age: .013, .039, .065, .151, .312 at ages 1, 2, 5, 8 and 20.
Errors are means over 8 networks (24 additive ones); standard errors are printed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fusi_models as fm
from fusi_models.networks.circuit import circuit_recall
from fusi_models.networks.memory import additive_memory, evidence, noisy_cue, rmse
from fusi_models.networks.recall import DECODERS, EXPLAIN, additive_errors, chain_errors
from fusi_models.networks.storage import additive_weights, random_patterns
from fusi_models.seeds import generator
from fusi_models.theory.correlated import aware_curve, correlated_curve
from fusi_models.theory.pairs import GATING, additive_rule, chain_pairs
from neuromorph.commands.recall import plot_errors
from neuromorph.stopping import run_page
from neuromorph.tables import deviation


@dataclass(frozen=True)
class Args:
    neurons: int = 500
    """Neurons of the networks with cascade synapses."""
    additive: int = 200
    """Neurons of the networks with additive synapses, which store a tenth as many patterns."""
    ages: tuple[int, ...] = (0, 1, 2, 3, 5, 8, 12, 16, 20)
    """Ages of the patterns to recall."""
    trials: int = 8
    """Networks; three times as many additive ones."""
    seed: int = 0
    """Seed of the random numbers."""
    out: Path = Path("Savin_Dayan_Lengyel_2014.svg")
    """Figure to write."""


def correlations() -> None:
    print("correlation of two synapses that share: post, pre, a chain, both (reciprocal); f = 1/2, x = 1/2")
    for rule in GATING:
        for depth in (1, 3, 5):
            pairs = chain_pairs(fm.cascade(depth), GATING[rule], 0.5).correlation()
            print(f"  {rule:12} n = {depth}: " + " ".join(f"{round(c, 5) + 0.0:8.5f}" for c in pairs[2:]))


def curves(args: Args, ax) -> None:
    times, n = np.unique(np.geomspace(1, 300, 40).round()), args.neurons
    active, f_pot = fm.coding(0.5, "pre")
    usual = fm.memory_curve(fm.cascade(5), times, n * (n - 1), active=active, f_pot=f_pot)
    shared = correlated_curve(fm.cascade(5), times, n, GATING["pre"])
    aware = aware_curve(fm.cascade(5), times, n, GATING["pre"])
    for curve, label in ((usual, "independent synapses"), (shared, "correlated"), (aware, "correlated, and known")):
        ax.loglog(times, curve.snr, label=label, lw=1)
    ax.axhline(1, color="0.5", lw=0.8, ls=":")
    ax.set(xlabel="age (patterns stored since)", ylabel="SNR of the ideal observer", title=f"N = {n} neurons")
    ax.legend(frameon=False, fontsize=8)
    for label, curve in (("independent", usual), ("correlated", shared), ("correlated, known", aware)):
        last = times[curve.snr >= 1].max(initial=0)
        print(f"ideal observer, {label}: SNR {curve.snr[0]:.1f} at age 1, last age read with SNR >= 1: {last:.0f}")


def show(title: str, errors: dict[str, np.ndarray]) -> None:
    print(title)
    for name, values in errors.items():
        mean, error = values.mean(0), deviation(values) / np.sqrt(len(values))
        cells = (f"{m:.3f} ({e:.3f})" for m, e in zip(np.atleast_1d(mean), np.atleast_1d(error), strict=True))
        print(f"  {name:24}" + "  ".join(cells))


def additive(args: Args, ax) -> None:
    n, patterns, found = args.additive, args.additive // 10, {}
    for name, f, flip in (("hebb", 0.5, 0.2), ("pre", 0.5, 0.2), ("covariance", 0.5, 0.2), ("hebb", 0.2, 0.1)):
        errors = additive_errors(additive_rule(name, f), n, patterns, 3 * args.trials, args.seed, coding=f, flip=flip)
        show(f"additive, {name}, f = {f}, N = {n}, {patterns} patterns, {flip:.0%} of the cue wrong", errors)
        found[f"{name}, f = {f}"] = errors
    decoders = (*DECODERS, EXPLAIN)
    places = np.arange(len(decoders))
    for k, (name, errors) in enumerate(found.items()):
        ax.bar(places + 0.2 * k - 0.3, [errors[d].mean() for d in decoders], 0.2, label=name)
    ax.set_xticks(places, decoders, rotation=40, ha="right", fontsize=8)
    ax.set(ylabel="rms error of recall", title=f"additive, N = {n}, {patterns} patterns")
    ax.legend(frameon=False, fontsize=8)


def circuit(args: Args) -> None:
    n, patterns, rule = args.additive, args.additive // 10, additive_rule("hebb", 0.5)
    kinds = {
        "whole": (True, True),
        "no inhibition": (False, True),
        "no dendrite": (True, False),
        "neither": (False, False),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for trial in range(args.trials):
        rng = generator("gallery: recall by a circuit", args.seed, trial)
        x, scale = random_patterns(patterns, n, 0.5, rng), 0.01
        w, memory = additive_weights(x, rule, scale, rng), additive_memory(rule, 0.5, patterns, scale)
        field = evidence(noisy_cue(x[0], 0.2, rng), 0.2, 0.5)
        for name, parts in kinds.items():
            found[name].append(rmse(circuit_recall(w, memory, field, *parts), x[0]))
    show(f"Brian2 rate network, hebb, N = {n}, {patterns} patterns", {k: np.array(v) for k, v in found.items()})


def main(args: Args) -> None:
    page = Figure(figsize=(15, 4), layout="constrained")
    signal, known, unknown, sums = page.subplots(1, 4)
    correlations()
    curves(args, signal)
    additive(args, sums)
    circuit(args)
    syn, rule = fm.cascade(5), GATING["pre"]
    errors = chain_errors(syn, rule, args.neurons, args.ages, args.trials, args.seed)
    show(f"cascade, n = 5, pre-gated, N = {args.neurons}, age known; ages {args.ages}", errors)
    plot_errors(args.ages, errors, known).set_title("cascade, age known")
    some, blind = ("cue", "aware-mean", "stop", EXPLAIN), {"cue": errors["cue"]}
    for age in ("prior", "familiarity"):
        found = chain_errors(syn, rule, args.neurons, args.ages, args.trials, args.seed, some, age=age)
        blind |= {f"{name}, {age}": values for name, values in found.items() if name != "cue"}
    show("the same, age unknown", blind)
    plot_errors(args.ages, blind, unknown).set_title("age unknown")
    page.savefig(args.out)


if __name__ == "__main__":
    run_page(main, Args)
