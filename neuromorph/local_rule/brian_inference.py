"""Inference on Brian2: copies of a layer whose synapses stay as they are, each shown presentations of its own.

Brian2 pays for a time step, hardly for neurons: so many presentations go side by side as synapses are worth their
memory. What a step is: ``neuromorph.learners.brian``. A call builds its network; its objects have fixed names, so that
compiled code is found again.
"""

import numpy as np

from fusi_models.engines.package import b2
from fusi_models.engines.session import Target, session
from neuromorph.local_rule.layer import LayerRule

SCHEDULE = ["start", "groups", "synapses", "thresholds", "resets", "end"]
DT = 1 * b2.ms
SIDE_BY_SIDE = 64  # presentations
SYNAPSES = 2**20  # of all copies
RASTER = 2**24  # numbers of a raster in one run: Brian2 holds them as float64


def spikes(efficacy: np.ndarray, rule: LayerRule, raster: np.ndarray, target: Target) -> np.ndarray:
    """Output spikes bool [n, time, replica, unit] of raster [n, time, replica, source] for efficacy [r, unit, source].

    ``n`` at least 1.
    """
    return np.concatenate([_apart(_run(efficacy, rule, some, target, False), some) for some in _pieces(raster)])


def drives(efficacy: np.ndarray, rule: LayerRule, raster: np.ndarray, target: Target) -> np.ndarray:
    """Drive summed over a presentation, [n, replica, unit], for arguments as of ``spikes``."""
    return np.concatenate([_apart(_run(efficacy, rule, some, target, True), some)[:, -1] for some in _pieces(raster)])


def _pieces(raster: np.ndarray) -> list[np.ndarray]:
    length = max(1, RASTER // raster[0].size)
    return [raster[k : k + length] for k in range(0, len(raster), length)]


def _run(efficacy: np.ndarray, rule: LayerRule, raster: np.ndarray, target: Target, drive: bool) -> np.ndarray:
    """Spikes, or the drive since a presentation's start, [round * time, copy, replica, unit]."""
    n, steps, replicas, _ = raster.shape
    copies = min(n, SIDE_BY_SIDE, max(1, SYNAPSES // efficacy.size))
    rounds = -(-n // copies)
    padded = np.concatenate([raster, np.zeros((rounds * copies - n, *raster.shape[1:]), raster.dtype)])
    frames = padded.reshape(rounds, copies, steps, -1).swapaxes(1, 2).reshape(rounds * steps, -1)
    with session(target):
        found = _found(efficacy, rule, frames, copies, target, drive)
    return found.reshape(len(frames), copies, replicas, efficacy.shape[1])


def _found(
    efficacy: np.ndarray, rule: LayerRule, frames: np.ndarray, copies: int, target: Target, drive: bool
) -> np.ndarray:
    """[round * time, ...] of frames [round * time, copy and replica and source]; the network ends with this call."""
    network, monitor = _network(np.broadcast_to(efficacy, (copies, *efficacy.shape)), rule, drive)
    namespace = {
        "raster": b2.TimedArray(frames.astype(float), dt=DT, name="frozen_raster"),
        "threshold": rule.tie_free_threshold(efficacy.shape[2]),
        "beta": rule.beta,
    }
    network.run(len(frames) * DT, namespace=namespace)
    if target == "cpp_standalone":
        b2.device.build(directory=b2.device.project_dir, compile=True, run=True)
    if drive:
        return np.array(monitor.v).T
    found = np.zeros((len(frames), copies * efficacy.shape[0] * efficacy.shape[1]), bool)
    found[np.round(monitor.t / DT).astype(int), monitor.i] = True
    return found


def _network(
    efficacy: np.ndarray, rule: LayerRule, drive: bool
) -> tuple[b2.Network, b2.SpikeMonitor | b2.StateMonitor]:
    """Of efficacy [copy, replica, unit, source], with a monitor of its spikes or of its drive, which does not leak."""
    copies, replicas, units, sources = efficacy.shape
    shown = {"threshold": "raster(t, i) > 0.5", "reset": ""}
    inputs = b2.NeuronGroup(copies * replicas * sources, "", **shown, dt=DT, name="frozen_inputs")
    inputs.set_event_schedule("spike", when="start", order=5)
    fires = {} if drive else {"threshold": "v > threshold", "reset": "v = 0"}
    neurons = b2.NeuronGroup(copies * replicas * units, "v : 1", **fires, dt=DT, name="frozen_neurons")
    neurons.run_regularly("v = 0", dt=rule.num_steps * DT, when="start", name="frozen_begin")
    if not drive:
        neurons.run_regularly("v = beta*v", dt=DT, when="groups", name="frozen_leak")
    synapses = b2.Synapses(inputs, neurons, "w : 1", on_pre="v_post += w", dt=DT, name="frozen_synapses")
    # the synapses of one input lie side by side, as its spikes need them
    place, source, unit = np.indices((copies * replicas, sources, units)).reshape(3, -1)
    synapses.connect(i=place * sources + source, j=place * units + unit)
    synapses.w = efficacy.swapaxes(-1, -2).reshape(-1)
    monitor = (
        b2.StateMonitor(neurons, "v", record=True, when="end", dt=DT, name="frozen_drive")
        if drive
        else b2.SpikeMonitor(neurons, name="frozen_spikes")
    )
    network = b2.Network(inputs, neurons, synapses, monitor)
    network.schedule = SCHEDULE
    return network, monitor


def _apart(found: np.ndarray, raster: np.ndarray) -> np.ndarray:
    """[n, time, replica, unit] of what was ``found``, the samples of ``raster`` only."""
    n, steps = raster.shape[:2]
    _, copies, *shape = found.shape
    return found.reshape(-1, steps, copies, *shape).swapaxes(1, 2).reshape(-1, steps, *shape)[:n]
