"""Lava's own processes of continually learning prototypes, wired for binary inputs that stay on.

learn       inputs -> LearningDense -> PrototypeLIF -> Readout <- labels;  NoveltyDetector and Readout -> Allocator
infer       inputs -> Dense -> PrototypeLIF -> Readout

Only sources and recorders are ours. A presentation: every membrane is cleared, then the inputs spike at every step. The
first prototype to fire clears the others through Dense. If nobody has within the window, the novelty detector has the
allocator send the number of the next free prototype, which fires and stores the trace of the inputs. Then the label is
shown twice: the first one lets the read-out find a mistake, for which a prototype is allocated as well, the second one
names that. What comes out, and the source: ``local_rule.clp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.chip import NO_CURRENT_MEMORY
from neuromorph.lava.compat import running as running  # before any lava module
from neuromorph.lava.graphs.local_rule import run
from neuromorph.local_rule.clp import STORED, Membrane, Memory

from lava.magma.core.learning.learning_rule import Loihi3FLearningRule  # isort: skip
from lava.proc.clp.novelty_detector.process import NoveltyDetector  # isort: skip
from lava.proc.clp.nsm.process import Allocator, Readout  # isort: skip
from lava.proc.clp.prototype_lif.process import PrototypeLIF  # isort: skip
from lava.proc.dense.process import Dense, LearningDense  # isort: skip
from lava.utils.weightutils import SignMode  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip

ALLOCATED = 4  # steps from the end of the window to the spike of a new prototype, at most
MARGIN = 6  # between the two labels, and after them: the way of a mistake to its prototype, and a trace that is gone
NUMBER_BITS = 24  # of the message that names a prototype
RULE = Loihi3FLearningRule(dw="2^-3*y1*x1*y0", x1_impulse=127, x1_tau=1, t_epoch=1)  # saturates where inputs spike


def learn(membrane: Membrane, memory: Memory, z: NDArray[np.bool_], y: NDArray[np.int64]) -> Memory:
    """As ``local_rule.clp.learned``."""
    stored, classes = memory
    used, inputs = stored.shape
    many, first_label = used + len(z), membrane.window + ALLOCATED + 1
    last = first_label + MARGIN
    period = last + 2 * MARGIN
    weights = np.zeros((many, inputs))
    weights[:used] = STORED * stored
    synapses = LearningDense(
        weights=weights, learning_rule=RULE, weight_exp=-membrane.shift, sign_mode=SignMode.EXCITATORY
    )
    source, prototypes = _shown(membrane, z, (last, period), synapses)
    known = np.zeros(many, int)
    known[:used] = classes + 1
    readout = Readout(n_protos=many, proto_labels=known)
    novelty = NoveltyDetector(t_wait=membrane.window)
    allocator = Allocator(n_protos=many, next_alloc_id=used + 1)
    prototypes.s_out.connect(readout.inference_in)
    _source(len(z), period, {1: 1}).s_out.connect(novelty.input_aval_in)
    _source(len(z), period, dict.fromkeys((first_label, first_label + MARGIN), y + 1)).s_out.connect(readout.label_in)
    _all_to_all(prototypes.s_out, novelty.output_aval_in)
    for out in (novelty.novelty_detected_out, readout.trigger_alloc):
        _all_to_all(out, allocator.trigger_in)
    _all_to_all(allocator.allocate_out, prototypes.a_third_factor_in, num_message_bits=NUMBER_BITS)
    prototypes.s_out_bap.connect(synapses.s_in_bap)
    prototypes.s_out_y1.connect(synapses.s_in_y1)
    stores = SpikeRecorder(shape=(many,), steps=len(z) * period, lag=0)
    prototypes.s_out_bap.connect(stores.s_in)
    found = []
    run(source, "fixed", len(z) * period, lambda: found.append(readout.proto_labels.get()))
    new = np.flatnonzero(stores.recorded.reshape(len(z), period, many).any((1, 2)))
    return Memory(np.concatenate([stored, z[new]]), found[0].astype(np.int64)[: used + len(new)] - 1)


def infer(membrane: Membrane, memory: Memory, z: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The class of the winner [n], -1 where nobody crosses, for inputs z [n, input]; at least one prototype."""
    stored, classes = memory
    period = membrane.window + 2
    synapses = Dense(weights=STORED * stored, weight_exp=-membrane.shift)
    source, prototypes = _shown(membrane, z, (period, period), synapses)
    readout = Readout(n_protos=len(stored), proto_labels=classes + 1)
    prototypes.s_out.connect(readout.inference_in)
    answers = SpikeRecorder(shape=(1,), steps=len(z) * period, lag=0, kind=np.int32)
    readout.user_output.connect(answers.s_in)
    run(source, "fixed", len(z) * period)
    said = answers.recorded.reshape(len(z), period)[:, 2:]  # before, a prototype may answer the last sample once more
    return np.take_along_axis(said, (said != 0).argmax(1)[:, None], 1)[:, 0].astype(np.int64) - 1


def _shown(
    membrane: Membrane, z: NDArray[np.bool_], steps: tuple[int, int], synapses: Any
) -> tuple[MessageSource, PrototypeLIF]:
    """Inputs that are on from step 1 to the first of ``steps`` of a period, the second; prototypes that are cleared
    before each presentation and by each other."""
    last, period = steps
    frames = np.zeros((len(z), period, z.shape[1]), bool)
    frames[:, 1:last] = z[:, None]
    source = MessageSource(messages=frames.reshape(-1, z.shape[1]))
    shape = synapses.a_out.shape
    prototypes = PrototypeLIF(shape=shape, du=NO_CURRENT_MEMORY, dv=0, vth=membrane.threshold, learning_rule=RULE)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(prototypes.a_in)
    for out in (prototypes.s_out, _source(len(z), period, {0: 1}).s_out):
        _all_to_all(out, prototypes.reset_in)
    return source, prototypes


def _source(many: int, period: int, sent: Mapping[int, Any]) -> MessageSource:
    """One message at each of the steps ``sent`` of a period: a number, or one for each of ``many`` periods."""
    frames = np.zeros((many, period, 1), np.int32)
    for step, values in sent.items():
        frames[:, step, 0] = values
    return MessageSource(messages=frames.reshape(-1, 1))


def _all_to_all(out: Any, into: Any, **options: Any) -> None:
    ones = Dense(weights=np.ones((*into.shape, *out.shape)), **options)
    out.connect(ones.s_in)
    ones.a_out.connect(into)
