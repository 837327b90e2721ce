"""A synapse model as text for Brian2 ``Synapses`` of one's own (derived here; the rules are the models').

A spike, or any event, of one of the two neurons is a candidate event. Its sign ``drive`` is one of

    Expression   the user's own Brian2 expression, -1, 0 or +1
    Signal       [s > high] - [s < low] of a variable s of a neuron: an error, calcium, a membrane
    Pairing      pair-based and probabilistic: at a presynaptic spike -1 with probability a- exp(-dt/tau-), dt since the
                 last postsynaptic one; at a postsynaptic spike +1 with probability a+ exp(-dt/tau+)

Nothing here makes a Brian2 object, draws a number or asks which device there is: the text is compiled, and its
``rand()`` drawn, where the user's network is. In Synapses a name without suffix that the synapse does not own is the
postsynaptic neuron's (a rule's ``u`` would write to the membrane of an Izhikevich cell), and a variable that both own
is refused; so every name but ``efficacy`` begins with ``syn_``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fusi_models.checks import check_fraction
from fusi_models.engines.package import b2
from fusi_models.seeds import generator
from fusi_models.synapse import BrianText, SynapseModel, Values, need

Side = Literal["pre", "post"]


class Drive(ABC):
    """When candidate events come, and with which sign."""

    model: str = ""
    """Further lines of the synapse's equations."""
    after: Mapping[str, str] = {}
    """What a pathway does when the rule has been applied, by "pre" and "post"."""

    @property
    @abstractmethod
    def signs(self) -> dict[str, str]:
        """Brian2 expression of the drive, by "pre" and "post": whose event it belongs to."""

    @property
    def namespace(self) -> dict[str, Any]:
        """Constants of the expressions, with their units."""
        return {}


@dataclass(frozen=True)
class Expression(Drive):
    """The drive as an expression of one's own.

    code: Brian2 expression over variables of the synapse or its neurons, -1, 0 or +1.
    at: "pre" or "post", the neuron whose event it is.

    Raises ``ValueError`` for an empty expression or another side.
    """

    code: str
    at: Side = "pre"

    def __post_init__(self) -> None:
        _check_side(self.at)
        if not self.code.strip():
            raise ValueError("the drive is empty: give an expression such as '2*int(error_post > 0) - 1'.")

    @property
    def signs(self) -> dict[str, str]:
        return {self.at: self.code}


@dataclass(frozen=True, eq=False)
class Signal(Drive):
    """Potentiate where a signal is above ``high``, depress where it is below ``low``, nothing between.

    name: the variable, such as "error_post" or "calcium_post".
    low: depression below it, in the variable's unit.
    high: potentiation above it, at least ``low``.
    at: "pre" or "post", the neuron whose event is the candidate.

    Raises ``ValueError`` for what is no name, thresholds of different units or in the wrong order.
    """

    name: str
    low: Any = 0.0
    high: Any = 0.0
    at: Side = "pre"

    def __post_init__(self) -> None:
        _check_side(self.at)
        if not self.name.isidentifier():
            raise ValueError(f"a signal is one variable, such as 'error_post', got {self.name!r}.")
        if not (b2.have_same_dimensions(self.low, self.high) and self.low <= self.high):
            raise ValueError(f"a signal needs low <= high in one unit, got low={self.low}, high={self.high}.")

    @property
    def signs(self) -> dict[str, str]:
        return {self.at: f"int({self.name} > syn_high) - int({self.name} < syn_low)"}

    @property
    def namespace(self) -> dict[str, Any]:
        return {"syn_low": self.low, "syn_high": self.high}


@dataclass(frozen=True, eq=False)
class Pairing(Drive):
    """Spike-timing dependence of the nearest pair; see the head of the module.

    potentiate: a+, probability at no distance, above 0 and at most 1.
    depress: a-, likewise.
    tau_potentiate: of pre before post, a time.
    tau_depress: of post before pre, a time.

    Raises ``ValueError`` for probabilities outside (0, 1], or what is no positive time.
    """

    potentiate: float = 1.0
    depress: float = 1.0
    tau_potentiate: Any = field(default_factory=lambda: 20 * b2.ms)
    tau_depress: Any = field(default_factory=lambda: 20 * b2.ms)

    model = "\n".join(
        f"dsyn_{name}/dt = -syn_{name}/syn_tau_{name} : 1 (event-driven)" for name in ("potentiate", "depress")
    )
    after = {"pre": "syn_potentiate = 1", "post": "syn_depress = 1"}

    def __post_init__(self) -> None:
        check_fraction("potentiate", self.potentiate)
        check_fraction("depress", self.depress)
        for name in ("tau_potentiate", "tau_depress"):
            value = getattr(self, name)
            if not (b2.have_same_dimensions(value, b2.second) and value > 0 * b2.second):
                raise ValueError(f"{name} must be a positive time, such as 20*ms, got {value}.")

    @property
    def signs(self) -> dict[str, str]:
        return {
            "pre": "-int(rand() < syn_most_depress*syn_depress)",
            "post": "int(rand() < syn_most_potentiate*syn_potentiate)",
        }

    @property
    def namespace(self) -> dict[str, Any]:
        return {
            "syn_most_potentiate": self.potentiate,
            "syn_most_depress": self.depress,
            "syn_tau_potentiate": self.tau_potentiate,
            "syn_tau_depress": self.tau_depress,
        }


@dataclass(frozen=True, eq=False)
class SynapseEquations:
    """What ``brian2.Synapses`` of one's own takes; ``print`` shows it.

    synapse: the model.
    model: equations, the state variables and ``efficacy``.
    on_pre: code for an event of the presynaptic neuron; empty where none changes the synapse.
    on_post: the same for the postsynaptic neuron.
    regularly: code for ``run_regularly(regularly, dt=every)``; empty without ``every``.
    namespace: constants, with their units.
    every: the interval at which the rule is applied; None where events apply it at once.
    """

    synapse: SynapseModel
    model: str
    on_pre: str
    on_post: str
    regularly: str
    namespace: Mapping[str, Any]
    every: Any = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Of ``Synapses(source, target, **arguments)``."""
        code = {"on_pre": self.on_pre or None, "on_post": self.on_post or None}
        return {"model": self.model, **code, "namespace": dict(self.namespace)}

    def initial(self, count: int, seed: int = 0) -> dict[str, Values]:
        """First states of ``count`` synapses, an array for each variable: ``setattr(synapses, name, array)``.

        They are the model's (a chain begins at its equilibrium), from a generator of their own.
        """
        state = self.synapse.init((count,), generator("first states of synapses in a user's Brian2 network", seed))
        return {f"syn_{name}": values for name, values in need(self.synapse, BrianText).variables(state).items()}

    def states(self, synapses: Any) -> Values:
        """States of a user's ``brian2.Synapses`` as the model's own array, [synapse] (of a chain [synapse, level])."""
        text = need(self.synapse, BrianText)
        return text.from_variables({name: np.array(getattr(synapses, f"syn_{name}")) for name in _states(text)})

    def __str__(self) -> str:
        parts = {"model": self.model, "on_pre": self.on_pre, "on_post": self.on_post}
        parts[f"regularly, every {self.every}"] = self.regularly
        parts["namespace"] = "\n".join(f"{name} = {value}" for name, value in self.namespace.items())
        shown = [f"{title}:\n" + _indented(text) for title, text in parts.items() if text]
        return "\n".join([self.synapse.name, *shown])


def synapse_equations(model: SynapseModel, drive: Drive | str, every: Any = None) -> SynapseEquations:
    """``model`` for ``brian2.Synapses`` of one's own, on every target of Brian2.

    ``drive``: a ``Drive``, or an expression that a presynaptic event evaluates. ``every``: a time; then events only
    note their drive (the sum, kept within -1..+1), and the rule runs at that interval with what was noted, so that a
    model that also changes where nothing happens (a Benna-Fusi chain) has a clock. Without it a step of such a chain
    is an event of the neuron, whatever its drive. Raises ``ValueError`` for a model without an equation, or ``every``
    that is no positive time.

    >>> from fusi_models import HiddenWeight
    >>> print(synapse_equations(HiddenWeight(2), Signal("error_post")))
    hidden(m=2)
    model:
        syn_h : 1
        efficacy = (2*int(syn_h >= 0) - 1) : 1
    on_pre:
        syn_drive = int(error_post > syn_high) - int(error_post < syn_low)
        syn_damping = int(syn_drive*syn_h < 0)*tanh(2.0*syn_h)**2
        syn_h = clip(syn_h + 0.02*syn_drive*(1 - syn_damping), -1.0, 1.0)
    namespace:
        syn_low = 0.0
        syn_high = 0.0
    """
    text = need(model, BrianText)
    how = Expression(drive) if isinstance(drive, str) else drive
    if every is not None and not (b2.have_same_dimensions(every, b2.second) and every > 0 * b2.second):
        raise ValueError(f"every must be a positive time, such as 10*ms, or None, got {every}.")
    declarations, rule, efficacy = _own_names(text)
    lines = [declarations, f"efficacy = {efficacy} : 1", how.model]
    lines += ["syn_noted : integer"] * (every is not None)
    code = {}
    for side, sign in how.signs.items():
        noted = f"syn_noted = clip(syn_noted + ({sign}), -1, 1)"
        change = f"syn_drive = {sign}\n{rule}" if every is None else noted
        code[side] = "\n".join(filter(None, [change, how.after.get(side, "")]))
    regularly = "" if every is None else f"syn_drive = syn_noted\n{rule}\nsyn_noted = 0"
    equations = "\n".join(filter(None, lines))
    return SynapseEquations(
        model, equations, code.get("pre", ""), code.get("post", ""), regularly, how.namespace, every
    )


def _states(text: BrianText) -> list[str]:
    return [line.split(":")[0].strip() for line in text.declarations.splitlines()]


def _own_names(text: BrianText) -> tuple[str, str, str]:
    """Declarations, rule and efficacy in names that no neuron has."""
    rule = "\n".join(line.strip() for line in text.on_event.strip().splitlines())
    ours = {"drive", *_states(text), *re.findall(r"^(\w+) =", rule, re.MULTILINE)}
    pattern = re.compile(r"\b(" + "|".join(sorted(ours)) + r")\b")
    declarations, rule, efficacy = (
        pattern.sub(r"syn_\1", code) for code in (text.declarations, rule, text.efficacy_code)
    )
    return declarations, rule, efficacy


def _check_side(side: str) -> None:
    if side not in ("pre", "post"):
        raise ValueError(f"an event is of the 'pre' or the 'post' neuron, got {side!r}.")


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())
