"""The local rule on Brian2: a spiking network whose synapses hold their states and transitions as Brian2 code.

A presentation takes ``num_steps`` steps of 1 ms. Within a step the order is: input spikes, leak, synapses, threshold,
reset, and in the last step of a presentation the event ``taught`` of the units with e_j other than 0, upon which their
synapses make their transitions. Brian2's usual order applies synaptic input after the threshold test; the schedule
below undoes that, so that a step means the same here as in snnTorch and Lava.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fusi_models import SynapseModel
from fusi_models.engines.package import b2
from fusi_models.engines.session import TARGETS as TARGETS
from fusi_models.engines.session import Target, check_target, session
from fusi_models.seeds import generator
from fusi_models.synapse import BrianText, need
from neuromorph.learners.local import LocalLearner, checked_synapse
from neuromorph.local_rule import brian_inference, chance
from neuromorph.local_rule.brian_inference import DT, RASTER, SCHEDULE
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.rule import LocalRule

NEURONS = """
v : 1
count : 1
own : 1
err = {error} : 1
last = int(timestep(t - origin, dt) % num_steps == num_steps - 1) : 1
replica : integer (constant)
unit_class : integer (constant)
origin : second (shared)
"""
SYNAPSES = """
w : 1
place : integer (constant)
"""  # w, the efficacy, is stored: Brian2's int() is slow on the numpy target
INPUTS = """
active : 1
origin : second (shared)
"""


class BrianLearner(LocalLearner):
    """``LocalLearner`` on Brian2; ``target`` is numpy, cython or cpp_standalone.

    cpp_standalone compiles and runs a program a call, whose random stream starts from the seed and the number of
    presentations so far: there, cutting the samples into other calls changes what stochastic synapses draw.
    Raises ``ValueError`` for an unknown target.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LayerRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
        target: Target = "numpy",
    ):
        check_target(target)
        self.text = need(checked_synapse(synapse), BrianText)
        self.target = target
        if target == "cpp_standalone":
            self.call_size = 10**9  # a call is a compilation
        self.network: _Network | None = None
        super().__init__(synapse, inputs, classes, rule, seeds)

    def configuration(self):
        return {**super().configuration(), "target": self.target}

    def states(self):
        return np.array(self._states)

    def _set_states(self, states):
        self._states = np.array(states)

    def _learn(self, raster, labels):
        return np.concatenate(self._in_pieces(raster, labels, True))

    def _teach(self, raster, labels):
        self._in_pieces(raster, labels, False)

    def _in_pieces(self, raster: np.ndarray, labels: np.ndarray, watched: bool) -> list[np.ndarray]:
        """Present a raster in several runs where it is large; what ``_Network.run`` returns of each."""
        run = self._run_standalone if self.target == "cpp_standalone" else self._run_here
        rows = self.rule.units_per_class if self.rule.silent else 0
        length = max(1, RASTER // (raster[0].size + rows * len(self.seeds) * self.sources))
        pieces, before = [slice(k, k + length) for k in range(0, len(raster), length)], self._states
        try:
            return [run(raster[p], labels[p], self.presented + p.start, watched) for p in pieces]
        except BaseException:
            self.network = None  # it stands in the middle of a presentation
            self._states = before  # nothing of a call that was cut is kept, whole runs neither
            raise

    def spikes(self, raster):
        return brian_inference.spikes(self.synapse.efficacy(self._states), self.rule, raster, self.target)

    def drives(self, raster):
        return brian_inference.drives(self.synapse.efficacy(self._states), self.rule, raster, self.target)

    def _run_here(self, raster, labels, presented, watched):
        with session(self.target):
            if self.network is None:
                self.network = _Network(self)
                self.network.seed_presentations(self)
            self.network.presented = presented
            found = self.network.run(self, raster, labels, presented, watched)
            self._states = self.network.states(self)
        return found

    def _run_standalone(self, raster, labels, presented, watched):
        with session("cpp_standalone"):
            b2.seed(self.transition_seed(presented))
            network = _Network(self)
            found = network.run(self, raster, labels, presented, watched)
            self._states = network.states(self)
        return found


class _Network:
    """The Brian2 objects of a learner, in an explicit network."""

    def __init__(self, learner: BrianLearner):
        rule, replicas = learner.rule, len(learner.seeds)
        presentation = rule.num_steps * DT
        self.inputs = b2.NeuronGroup(
            replicas * learner.sources, INPUTS, threshold="raster(t - origin, i) > 0.5", reset="active = 1", dt=DT
        )
        self.inputs.set_event_schedule("spike", when="start", order=5)
        self.inputs.run_regularly("active = 0", dt=presentation, when="start")
        self.neurons = b2.NeuronGroup(
            replicas * learner.units,
            NEURONS.format(error=rule.brian_error),
            threshold="v > threshold",
            reset="v = 0\ncount += 1",
            events={"taught": "last*err != 0"},
            dt=DT,
        )
        self.neurons.set_event_schedule("taught", when="end")
        begin = "v = 0\ncount = 0\nown = int(unit_class == label(t - origin, replica))"
        self.neurons.run_regularly(begin, dt=presentation, when="start")
        self.neurons.run_regularly("v = beta*v", dt=DT, when="groups")
        self.neurons.replica = np.repeat(np.arange(replicas), learner.units)
        self.neurons.unit_class = np.tile(np.arange(learner.units) // rule.units_per_class, replicas)
        model = learner.text
        self.synapses = b2.Synapses(
            self.inputs,
            self.neurons,
            f"{model.declarations}\n{SYNAPSES}",
            on_pre="v_post += w",
            on_post={"transition": f"{_drive(rule)}\n{_on_event(learner)}\nw = {model.efficacy_code}"},
            on_event={"transition": "taught"},
            dt=DT,
        )
        self.synapses.transition.when = "end"
        self.synapses.transition.order = 1
        # the synapses of one input lie side by side, as its spikes need them
        replica, source, unit = np.indices(_by_source(learner._states).shape[:3]).reshape(3, -1)
        self.synapses.connect(i=replica * learner.sources + source, j=replica * learner.units + unit)
        rows = rule.units_per_class
        self.synapses.place = (replica * rows + unit % rows) * learner.sources + source
        self.network = b2.Network(self.inputs, self.neurons, self.synapses)
        self.network.schedule = SCHEDULE

    def seed_presentations(self, learner: BrianLearner) -> None:
        """Seed every presentation by its number, from ``presented`` on, so that a state needs no random generator.

        What Brian2 gives as the state of its generator is, for cython, a pointer into the memory of this process.
        """

        self.presented = 0

        def seed() -> None:
            b2.seed(learner.transition_seed(self.presented))
            self.presented += 1

        self.network.add(b2.NetworkOperation(seed, dt=learner.rule.num_steps * DT, when="start"))

    def run(
        self, learner: BrianLearner, raster: np.ndarray, labels: np.ndarray, presented: int, watched: bool
    ) -> np.ndarray:
        """Present a raster from the learner's states; spikes meanwhile, bool [n, time, replica, unit].

        A monitor takes a tenth of the time: without ``watched`` there is none, and no spikes.
        """
        rule = learner.rule
        states = _by_source(learner._states)
        states = states.reshape(-1, *states.shape[3:])  # one a synapse, of several variables or one
        for name, values in learner.text.variables(states).items():
            setattr(self.synapses, name, values)
        self.synapses.w = learner.synapse.efficacy(states)
        origin = self.network.t
        self.neurons.origin, self.inputs.origin = origin, origin
        monitor = b2.SpikeMonitor(self.neurons) if watched else None
        if monitor is not None:
            self.network.add(monitor)
        steps = len(raster) * rule.num_steps
        self.network.run(steps * DT, namespace=_namespace(learner, raster, labels, presented))
        if learner.target == "cpp_standalone":
            b2.device.build(directory=b2.device.project_dir, compile=True, run=True)
        spikes = np.zeros((steps if watched else 0, len(self.neurons)), bool)
        if monitor is not None:
            self.network.remove(monitor)
            spikes[np.round((monitor.t - origin) / DT).astype(int), monitor.i] = True
        return spikes.reshape(-1, *raster.shape[1:3], learner.units)

    def states(self, learner: BrianLearner) -> np.ndarray:
        """The synapses' states now, [replica, unit, source, ...]."""
        values = {name: np.array(getattr(self.synapses, name)) for name in _names(learner.text)}
        shape = _by_source(learner._states).shape
        return np.ascontiguousarray(_by_source(learner.text.from_variables(values).reshape(shape)))


def _by_source(states: np.ndarray) -> np.ndarray:
    """[replica, source, unit, ...] of [replica, unit, source, ...], and back."""
    return states.swapaxes(1, 2)


def _namespace(learner: BrianLearner, raster: np.ndarray, labels: np.ndarray, presented: int) -> dict[str, Any]:
    """What the equations refer to while a raster is presented."""
    rule = learner.rule
    frames = raster.reshape(len(raster) * rule.num_steps, -1)
    namespace = {
        "raster": b2.TimedArray(frames.astype(float), dt=DT, name="raster"),
        "label": b2.TimedArray(labels.astype(float), dt=rule.num_steps * DT, name="label"),
        "threshold": rule.tie_free_threshold(learner.sources),
        "beta": rule.beta,
        "num_steps": rule.num_steps,
    }
    if rule.silent:
        opposed = _opposed(learner, presented, len(raster))
        namespace["opposed"] = b2.TimedArray(opposed, dt=rule.num_steps * DT, name="opposed")
    return namespace


def _drive(rule: LayerRule) -> str:
    """The candidate event of a synapse, as the head of ``local_rule.layer`` says."""
    if rule.silent:
        origin = "t - origin_post"
        return f"drive = err_post*(active_pre - (1 - active_pre)*opposed({origin}, place))"
    return "drive = err_post*active_pre"


def _opposed(learner: BrianLearner, presented: int, count: int) -> np.ndarray:
    """m of ``count`` presentations, [presentation, place]."""
    rule, seeds = learner.rule, learner.seeds
    drawn = [[rule.opposed(seed, presented + k, learner.sources) for seed in seeds] for k in range(count)]
    return np.reshape(drawn, (count, -1)).astype(float)


def _on_event(learner: BrianLearner) -> str:
    """The model's rule; synapses with an event of 0 keep their values, also where the model would change them.

    That of a Benna-Fusi chain does: its variables flow at every step.
    """
    states, names = learner._states, _names(learner.text)
    after = learner.synapse.update(states, np.zeros(states.shape[:3]), generator("an event of 0"))
    if np.array_equal(after, states):
        return learner.text.on_event
    keep = [f"{name}_before = clip({name}, -inf, inf)" for name in names]  # a copy: numpy changes ``name`` in place
    back = [f"{name} = given*{name} + (1 - given)*{name}_before" for name in names]
    return "\n".join(["given = int(drive != 0)", *keep, learner.text.on_event, *back])


def _names(text: BrianText) -> list[str]:
    return [line.split(":")[0].strip() for line in text.declarations.splitlines()]


def imprint(synapse: SynapseModel, events: np.ndarray, seed: int, target: Target = "numpy") -> np.ndarray:
    """Efficacies int8 [time, synapse] right after each of ``events`` [time, synapse] in {-1, +1}.

    One neuron that spikes every millisecond drives all synapses; the sign of the event is that of the pattern.
    """
    text, states = need(synapse, BrianText), synapse.init(events.shape[1:], chance.initial_states(seed))
    with session(target):
        b2.seed(chance.imprinting_seed(seed))
        observer = b2.NeuronGroup(1, "", threshold="True", reset="", dt=DT)
        neurons = b2.NeuronGroup(events.shape[1], "", dt=DT)
        on_pre = f"drive = pattern(t, j)\n{text.on_event}\nw = {text.efficacy_code}"
        synapses = b2.Synapses(observer, neurons, f"{text.declarations}\nw : 1", on_pre=on_pre, dt=DT)
        synapses.connect()
        for name, values in text.variables(states).items():
            setattr(synapses, name, values)
        monitor = b2.StateMonitor(synapses, "w", record=True, when="end", dt=DT)
        pattern = b2.TimedArray(events.astype(float), dt=DT, name="pattern")
        b2.Network(observer, neurons, synapses, monitor).run(len(events) * DT, namespace={"pattern": pattern})
        if target == "cpp_standalone":
            b2.device.build(directory=b2.device.project_dir, compile=True, run=True)
        return np.array(monitor.w).T.astype(np.int8)
