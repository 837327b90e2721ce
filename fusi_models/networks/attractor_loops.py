"""The compiled loops of ``attractors``: one pass over the synapses a pattern; this module loads numba.

A synapse's random number is that of ``spike_driven_loops.draw``, named by key, pattern, post and pre. Its lower part,
up to the chance that the event comes at all, decides that and, stretched to [0, 1), where the event leads.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import numpy as np

from fusi_models.networks.spike_driven_loops import compiled, draw, step_salt


@compiled
def store_chain(state, patterns, table, upper, shift, key):
    """``state``: [post, pre] int8, strength * depth, in place; ``upper``, ``shift``: ``MarkovSynapse.tables``."""
    largest, exits = (upper.shape[1] - 1) // 2, upper.shape[2]
    for p in range(len(patterns)):
        salt, x = step_salt(key, p), patterns[p]
        for i in range(len(x)):
            for j in range(len(x)):
                event = table[x[i], x[j]]
                if event == 0.0:
                    continue
                u = draw(salt, i, j) / abs(event)
                sign, k = int(event > 0), state[i, j] + largest
                for e in range(exits):
                    if u < upper[sign, k, e]:
                        state[i, j] += np.int8(shift[sign, k, e])
                        break


@compiled
def store_beakers(state, patterns, table, transfer, key):
    """``state``: [post, pre, level] float32, in place; ``transfer``: [level, level], neighbours only."""
    levels = state.shape[2]
    for p in range(len(patterns)):
        salt, x = step_salt(key, p), patterns[p]
        for i in range(len(x)):
            for j in range(len(x)):
                event = table[x[i], x[j]]
                if event == 0.0 or (abs(event) < 1.0 and draw(salt, i, j) >= abs(event)):
                    continue
                before, u = np.float32(0.0), state[i, j]
                for k in range(levels):
                    now = u[k]
                    after = transfer[k, k] * now
                    if k > 0:
                        after += transfer[k, k - 1] * before
                    if k < levels - 1:
                        after += transfer[k, k + 1] * u[k + 1]
                    u[k], before = after, now
                u[0] += np.float32(1.0) if event > 0 else np.float32(-1.0)
