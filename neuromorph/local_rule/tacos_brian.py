"""Presentations of ``tacos`` as a Brian2 network, from the same equations (loads Brian2 and numba).

Order of a step of 1 ms, a slot of the schedule a line; the compiled loops go the same way:
  inputs     traces decay, spikes are drawn
  hidden     I decays and takes the input spikes; V, refractory time, traces; threshold; reset
  output     the same with the hidden spikes of this step
  errors     every U decays; E takes spikes of outputs and label; threshold; its spikes push U of both layers
  learning   synapses from units that spiked, of both layers: a step down U; then which device is the next
  drift      synapses onto units that spiked
  over       in the last step: was the answer right; then w0 and m
At the start of a presentation all but w, w0 and m is at rest, and nothing is gathered. Numbers are float32, draws those
of ``draws``, and sums go in the same order, so spikes are the same; exp is another library's, so a weight may differ in
its last bits.
Brian2's target is numpy: there the draws are the compiled ones.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# the arguments are those of ``tacos.present``, without types there

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from fusi_models.engines.package import b2
from fusi_models.engines.session import session
from neuromorph.local_rule import error_neurons, tacos

SCHEDULE = ["start", "groups", "inputs", "hidden", "output", "errors", "learning", "drift", "over", "end"]
DT = 1 * b2.ms
NOW = "timestep(t, dt) % steps"
UNITS = "current : 1\nv : 1\nx : 1\nu : 1\nblame : 1\ncount : 1\nrivals : 1\nwrote : 1\nright : 1\nlast : integer"
REST = "current = 0\nv = 0\nx = 0\nu = 0\ncount = 0\nrivals = 0\nright = 0\nlast = -4"
MEMBRANE = f"""
v = clip(v + (current*resistance - v)/tau_m, -vth/10, inf)
v = v*int({NOW} - last > refractory)
x -= x/tau_x
"""
ROUND = f"""
level = w/grid
low = floor(level)
up = int(0.5*(1 + rounding(salt0(t), salt1(t), {NOW}, begin + i*N_post + j, total, drifts)) < level - low)
w = (low + up)*grid
"""

MODEL = "w : 1\nw0 : 1\nm : 1\ng : 1\nturn : integer (shared)"
KEPT = dict.fromkeys(("w", "w0", "m", "g"), np.float32)  # resistances are float32, but added up in float64
READY = f"""
ready = int(abs(g) >= gather)
goes = ready*sign(g)
wrote_post += ready
number = noise(salt0(t), salt1(t), {NOW}, begin + i*N_post + j, total)
"""


def _function(python, count):
    """For equations: its value depends on its ``count`` arguments alone, so Brian2 may call it in any order."""
    return b2.Function(python, arg_units=[1] * count, return_unit=1)


FUNCTIONS = {
    "drawn": _function(error_neurons.numbered, 3),
    "rounding": _function(tacos.roundings, 6),
    "noise": _function(tacos.noises, 5),
}


def present(
    layers, rates, w, reference, m, cells, back, thresholds, chances, label_rate, steps, targets, switches, key, counts
):
    """Show samples one after another; spikes bool [n, step, unit] of the hidden and of the output layer.

    As ``tacos.present``, whose arguments these are, but ``chances`` [n, input], ``targets`` and ``counts`` [n]; either
    all of ``targets`` are -1, and nothing is learned, or none. All from ``w`` to ``cells`` change in place.
    """
    salt = error_neurons.salted(key, counts)
    learns, classes, whole = targets[0] >= 0, back.shape[1], steps * DT
    shared = {"steps": steps, "tau_x": float(error_neurons.TRACE), "refractory": error_neurons.REFRACTORY}
    shared |= FUNCTIONS | {"leak": float(tacos.LEAK)}
    with session(), _as_written():
        neurons = _neurons(layers, (len(w[0]), *back.shape), shared, whole)
        how = thresholds, switches, learns, shared
        plastic = [_plastic(k, layers, rates, w, cells, neurons, *how) for k in range(2)]
        errors = _errors(neurons, back, switches, shared, whole) if learns else []
        monitors = [b2.SpikeMonitor(group) for group in neurons[1:]]
        written = learns and rates[0].gather > 0
        turns = [_turn(*pair) for pair in zip(plastic, neurons[1:], strict=True)] if written else []
        network = b2.Network(*neurons, *plastic, *errors, *turns, *monitors)
        network.schedule = SCHEDULE
        kept = [(synapses, "w", array) for synapses, array in zip(plastic, w, strict=True)]
        if learns:
            kept += [(plastic[k], name, pair[k]) for name, pair in (("w0", reference), ("m", m)) for k in range(2)]
            kept += [(plastic[k], f"r{n}", cells[k].r[..., n]) for k in range(2) for n in range(cells[k].r.shape[2])]
        for synapses, name, array in kept:
            setattr(synapses, name, array.ravel())
        for synapses, cell in zip(plastic, cells, strict=True):
            synapses.turn = cell.turn[0]
        given = {"salt0": salt[:, 0], "salt1": salt[:, 1], "target": np.asarray(targets, float)}
        arrays = {name: b2.TimedArray(values, dt=whole, name=name) for name, values in given.items()}
        arrays["chance"] = b2.TimedArray(chances.astype(float), dt=whole, name="chance")
        told = error_neurons.told(salt, targets, label_rate, steps, classes)
        arrays["told"] = b2.TimedArray(told.reshape(-1, classes).astype(float), dt=DT, name="told")
        network.run(len(targets) * whole, namespace=arrays)
        for synapses, name, array in kept:
            array[:] = np.reshape(getattr(synapses, name)[:], array.shape)
        for synapses, cell in zip(plastic, cells, strict=True):
            cell.turn[:] = synapses.turn[:]
        return tuple(_spikes(monitor, len(targets), steps) for monitor in monitors)


def _spikes(monitor, presentations, steps):
    found = np.zeros((presentations * steps, monitor.source.N), bool)
    found[np.round(np.asarray(monitor.t / DT)).astype(int), monitor.i] = True
    return found.reshape(presentations, steps, -1)


@contextmanager
def _as_written() -> Iterator[None]:
    """Brian2 does not rearrange equations for a while: x/tau and (1/tau)*x round differently."""
    before = b2.prefs.codegen.loop_invariant_optimisations
    b2.prefs.codegen.loop_invariant_optimisations = False
    try:
        yield
    finally:
        b2.prefs.codegen.loop_invariant_optimisations = before


class _Path(NamedTuple):
    """What synapses do upon an event of the neurons before or after them."""

    side: str
    when: str
    order: int
    code: str
    event: str = "spike"


def _synapses(before, after, model, constants, paths, dtype=np.float32):
    on = {side: {name: path.code for name, path in paths.items() if path.side == side} for side in ("pre", "post")}
    made = b2.Synapses(
        before,
        after,
        model,
        on_pre=on["pre"] or None,
        on_post=on["post"] or None,
        on_event={name: path.event for name, path in paths.items()},
        dt=DT,
        dtype=dtype,
        namespace=constants,
    )
    for name, path in paths.items():
        updater = getattr(made, name)
        updater.when, updater.order = path.when, path.order
    return made


def _group(count, model, threshold, reset, slot, order, constants):
    """Neurons that spike in a slot of the schedule, and tell when a presentation is over."""
    over = {"over": f"{NOW} == steps - 1"}
    group = b2.NeuronGroup(
        count, model, threshold=threshold, reset=reset, events=over, dtype=np.float32, dt=DT, namespace=constants
    )
    group.set_event_schedule("spike", when=slot, order=order)
    group.set_event_schedule("over", when="over", order=0)
    group.resetter["spike"].when, group.resetter["spike"].order = slot, order + 1
    return group


def _neurons(layers, counts, shared, whole):
    """Inputs, hidden units and outputs, at rest when a presentation begins."""
    lit = f"drawn(salt0(t), salt1(t), ({NOW})*N + i) < 2*chance(t, i) - 1"
    inputs = _group(counts[0], "x : 1", lit, "x += 1", "inputs", 1, shared)
    inputs.run_regularly("x = 0", dt=whole, when="start")
    inputs.run_regularly("x -= x/tau_x", dt=DT, when="inputs", order=0)
    groups = [inputs]
    for count, layer, slot in zip(counts[1:], layers, ("hidden", "output"), strict=True):
        group = _group(
            count, UNITS, "v >= vth", f"v = 0\nlast = {NOW}\nx += 1\ncount += 1", slot, 3, shared | layer._asdict()
        )
        group.run_regularly(REST, dt=whole, when="start")
        group.run_regularly("current -= current/tau_syn", dt=DT, when=slot, order=0)
        group.run_regularly(MEMBRANE, dt=DT, when=slot, order=2)
        group.run_regularly("u -= u/leak", dt=DT, when="errors", order=0)
        groups.append(group)
    return groups


def _turn(synapses, after):
    """In a step with a write the layer's next device comes in turn."""

    @b2.network_operation(dt=DT, when="learning", order=2)
    def turned():
        if np.any(after.wrote[:]):
            synapses.turn += 1
            after.wrote = 0

    return turned


def _plastic(k, layers, rates, w, cells, neurons, thresholds, switches, learns, shared):
    """The synapses of a layer, without values."""
    constants = shared | layers[k]._asdict() | rates[k]._asdict()
    constants |= {"begin": k * w[0].size, "total": w[0].size + w[1].size}
    constants |= {"before": float(thresholds[k]), "after": float(thresholds[k + 1])}
    devices = cells[k].r.shape[2]
    paths = {"transmit": _Path("pre", ("hidden", "output")[k], 1, "current_post += w/tau_syn")}
    if learns:
        protects, modulated = switches
        damped = "*exp(-abs(m*w))" if protects else ""
        grown = f"int(x_pre > before)*int(x_post > after){'*right_post' if modulated else ''}"
        learned = _changed(f"- blame_post{damped}", rates[k], 0)
        if rates[k].gather > 0:
            learned = f"g -= blame_post{damped}\n{_written(devices)}"
            constants |= {"a": rates[k].scale[0], "b": rates[k].scale[1], "moved": _moved(cells[k])}
        paths["learn"] = _Path("pre", "learning", 1, learned)
        if rates[k].alpha > 0:
            paths["drift"] = _Path("post", "drift", 0, _changed("- alpha*(w - w0)", rates[k], 1))
            paths["follow"] = _Path("post", "over", 3, "w0 += (w - w0)/tau_ref", "over")
        grow = f"grows = {grown}\nm = grows*clip(m + dm, -inf, cap) + (1 - grows)*m"
        paths["grow"] = _Path("post", "over", 3, grow, "over")
        gated = "blame = eta*u*int(abs(current) < window)"
        neurons[k + 1].namespace |= {"eta": float(np.float32(rates[k].eta))}
        neurons[k + 1].run_regularly(gated, dt=DT, when="learning", order=0)
    model = MODEL + "".join(f"\nr{n} : 1" for n in range(devices))
    synapses = _synapses(neurons[k], neurons[k + 1], model, constants, paths, KEPT)
    synapses.connect()
    if rates[k].gather > 0:
        synapses.run_regularly("g = 0", dt=shared["steps"] * DT, when="start")
    return synapses


def _written(devices):
    """The device in turn of synapses that have gathered enough."""
    lines = [f"r{n} = moved(r{n}, goes*int(turn % {devices} == {n}), number)" for n in range(devices)]
    total = " + ".join(f"1/r{n}" for n in range(devices))
    return "\n".join([READY, *lines, f"w = ready*(a*({total}) - b) + (1 - ready)*w", "g *= 1 - ready"])


def _moved(cells):
    """Resistances after a step of one level, or of none."""
    return _function(lambda r, goes, number: tacos.all_moved(r, goes, number, cells.table), 3)


def _changed(change, rates, drifts):
    """w after a change, within +-w_max, rounded where there is a grid."""
    code = f"w = clip(w {change}, -w_max, w_max)"
    return code + (ROUND.replace("drifts", str(drifts)) if rates.grid > 0 else "")


def _errors(neurons, back, switches, shared, whole):
    """Error neurons, false positives and false negatives of each class in turn, and who is told by whom."""
    _, hidden, output = neurons
    errors = _group(2 * back.shape[1], "wrong : 1\nside : 1 (constant)\nwhich : integer (constant)", "wrong >= 2.5",
                    "wrong -= 2.5", "errors", 3, shared)  # fmt: skip
    errors.side, errors.which = np.tile([1, -1], back.shape[1]), np.repeat(np.arange(back.shape[1]), 2)
    errors.run_regularly("wrong = 0", dt=whole, when="start")
    errors.run_regularly("wrong = clip(wrong - 2.5*side*told(t, which), -0.25, inf)", dt=DT, when="errors", order=2)
    seen = _synapses(output, errors, "", shared, {"seen": _Path("pre", "errors", 1, "wrong_post += 2.5*side_post")})
    seen.connect("j // 2 == i")
    pushes = {"push": _Path("pre", "errors", 5, "u_post += b*amount")}
    made = [errors, seen]
    for group, values in ((hidden, back), (output, np.eye(back.shape[1]))):
        feedback = _synapses(errors, group, "b : 1 (constant)\namount : 1 (constant)", shared, pushes)
        feedback.connect()
        made.append(feedback)
        feedback.b = np.repeat(values.T, 2, 0).ravel()
        feedback.amount = np.repeat(np.tile([1 / 3, -1 / 3], back.shape[1]), group.N)
    if switches[1]:
        rivals = {"rivals": _Path("pre", "over", 1, "rivals_post += int(count_pre >= count_post)", "over")}
        made.append(_synapses(output, output, "", shared, rivals))
        made[-1].connect("i != j")
        right = "right_post += int(i == target(t))*int(rivals_pre == 0)*int(count_pre > 0)"
        for group in (hidden, output):
            made.append(_synapses(output, group, "", shared, {"right": _Path("pre", "over", 2, right, "over")}))
            made[-1].connect()
    return made
