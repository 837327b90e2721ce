"""A traced graph beside the run that it was traced from: where they differ, something happened that no hook saw.

A network may write into a tensor, delay its input, change a membrane between two steps or draw by chance. So what each
population was given in the run is compared with what its connections make of the spikes of the run, and its spikes with
what its equation makes of what it was given, a step at a time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuromorph.importers.graph import INPUT, Connection, Neurons, step
from neuromorph.importers.trace import Call, Leaf, Recorder
from neuromorph.snn.neuron import ChipLeaky

STEPS = 20  # at most, of those that were run
CLOSE = 1e-3  # of the largest value: float32 sums in another order


def check_calls(found: Recorder) -> None:
    """Raise ValueError where the populations do not take one step each at every step."""
    counts = {name: len(calls) for name, calls in found.calls.items()}
    most = max(counts, key=lambda name: counts[name])
    for name, calls in found.calls.items():
        if len(calls) > 2 and _layers(name, calls[-1]) != _layers(name, calls[-2]):
            before = [", ".join(sorted(_layers(name, one))) or "itself" for one in calls[-2:]]
            raise ValueError(
                f"{name} is called more than once a step, behind {before[0]} and behind {before[1]}: on the chip these "
                "are two populations; give each a neuron of its own"
            )
        if counts[name] != counts[most]:
            raise ValueError(
                f"{name} is called {counts[name] // 2} times while {most} is called {counts[most] // 2} times; on the "
                "chip every population takes one step at every step: call each once a step"
            )


def _layers(name: str, call: Call) -> set[str]:
    """What lies directly before a neuron, but for its own spikes."""
    terms = () if isinstance(call.terms, str) else call.terms
    layers = [(one.source, [each.name for each in one.maps if isinstance(each, Leaf)]) for one in terms]
    return {names[-1] if names else source for source, names in layers if source != name}


def check(found: Recorder, neurons: list[Neurons], connections: list[Connection], modules: dict[str, Any]) -> None:
    """Raise ValueError naming the population where the graph is not the module that ``found`` has recorded."""
    calls = {name: each[: min(STEPS, len(each) // 2)] for name, each in found.calls.items()}
    for one in neurons:
        mine = calls[one.name]
        inner = modules[one.name].__class__.__name__.startswith("R")  # adds its own spikes inside
        into = [each for each in connections if each.target == one.name]
        own = [each for each in into if each.source == one.name and inner]
        for k, call in enumerate(mine):
            outer = [_carried(each, found, calls, k) for each in into if each not in own]
            if _far(sum(outer[1:], outer[0]), call.given):
                raise ValueError(
                    f"{one.name}: at step {k} it is given other values than its layers make of the input and the "
                    "spikes; something between changes from step to step (a later or earlier frame or a part of the "
                    "input, a factor that depends on the step, chance): use layers, sums and factors that stay the same"
                )
        if type(modules[one.name]) is not ChipLeaky:
            _check_steps(one, mine, [[_carried(each, found, calls, k) for each in own] for k in range(len(mine))])


def _carried(one: Connection, found: Recorder, calls: dict[str, list[Call]], k: int) -> Tensor:
    if one.source == INPUT:
        x = found.input if found.time is None else found.input.select(found.time, k)
    elif one.source != one.target:
        x = calls[one.source][k].spikes
    else:
        x = calls[one.source][k - 1].spikes if k else torch.zeros_like(calls[one.source][0].spikes)
    for layer in one.maps:
        x = layer.apply(x)
    return x


def _far(a: Tensor, b: Tensor) -> bool:
    return a.shape != b.shape or bool((a - b).abs().max() > CLOSE * b.abs().max() + 1e-6)


def _check_steps(one: Neurons, calls: list[Call], own: list[list[Tensor]]) -> None:
    """Spikes, but for membranes that rounding may have brought across the threshold, and membranes before a spike."""
    u, v = (torch.zeros_like(calls[0].given) for _ in range(2))
    fine, silent = torch.ones_like(v, dtype=torch.bool), torch.ones_like(v, dtype=torch.bool)
    assert one.threshold is not None
    for k, (call, more) in enumerate(zip(calls, own, strict=True)):
        u = sum(more, one.alpha * u + call.given)
        spk, before, v = step(one, v, one.beta * v + u + one.bias)
        close = CLOSE * before.abs().max() + 1e-6
        wrong = fine & (spk.bool() != call.spikes.bool())
        fine &= ~wrong  # from here on a reset differs
        silent &= ~call.spikes.bool()
        changed = wrong & ((before - one.threshold).abs() > close)
        if call.membrane is not None:
            changed |= silent & fine & ((before - call.membrane).abs() > close)
        if changed.any():
            raise ValueError(
                f"{one.name}: at step {k} its membrane is not what it was given and what the step before has left; a "
                "state that starts above or below 0, is changed between two steps or belongs to another neuron has no "
                "place on the chip: pass each neuron its own state, as it returned it"
            )
