"""The compiled loops of ``spike_driven``: numbers there, meaning there; this module loads numba.

Random numbers are SplitMix64 (Steele, Lea & Flood 2014) of what names them, so that no generator is carried along.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import numba
import numpy as np

compiled = numba.njit(cache=True, error_model="numpy")
U64 = np.uint64
GOLDEN = U64(0x9E3779B97F4A7C15)


@compiled
def mix(z):
    """A bijection of 64 bits that looks random."""
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


@compiled
def unit(z):
    """The upper 53 bits as a number in [0, 1)."""
    return np.float64(z >> U64(11)) * 2.0**-53


@compiled
def step_salt(key, step):
    """What the draws of a step share."""
    return mix((U64(key) << U64(32)) + U64(step) + GOLDEN)


@compiled
def draw(salt, i, j):
    """The uniform number of synapse (i, j) in the step with this salt."""
    return unit(mix(salt ^ ((U64(i) << U64(32)) + U64(j))))


@compiled
def poisson(probability, steps, key, starts, index):
    """Fill ``starts`` and ``index`` by geometric waiting times; a source has a stream of its own."""
    sources = len(probability)
    times, who = np.empty(index.size, np.int32), np.empty(index.size, np.int32)
    starts[:] = 0
    total = 0
    for i in range(sources):
        if probability[i] <= 0:
            continue
        z = mix((U64(key) << U64(32)) + U64(i) + U64(1))
        scale = 1 / np.log1p(-probability[i])
        t = -1
        while True:
            z += GOLDEN
            t += 1 + int(min(np.log(unit(mix(z)) + 2.0**-54) * scale, float(steps)))
            if t >= steps:
                break
            times[total], who[total] = t, i
            starts[t + 1] += 1
            total += 1
    for t in range(steps):
        starts[t + 1] += starts[t]
    place = starts[:-1].copy()
    for k in range(total):
        index[place[times[k]]] = who[k]
        place[times[k]] += 1


@compiled
def start(key, grid, v):
    """Fill the membranes ``v`` [unit] of the start, uniform from 0 to 1 in steps of ``grid``, a function of ``key``."""
    for j in range(len(v)):
        v[j] = np.floor(unit(mix(mix(U64(key)) + U64(j) + GOLDEN)) / grid) * grid


@compiled
def internal_spike(x, last, w, now, jump, walk):
    """One presynaptic spike on a row of synapses [unit]: drift since ``last``, jump, clip; branch-free for SIMD."""
    theta, alpha, beta = walk[2], walk[3], walk[4]
    one, nought = np.float32(1), np.float32(0)
    for j in range(len(x)):
        y = x[j]
        y += (now - last[j]) * (alpha if y > theta else -beta)
        y = y if y < one else one
        y = (y if y > nought else nought) + jump[j]
        y = y if y < one else one
        y = y if y > nought else nought
        x[j] = y
        last[j] = now
        w[j] = one if y > theta else nought


@compiled
def chain_spike(i, k, w, gates, gated, salt, bounds, shifts):
    """One presynaptic spike of input i on the gated synapses of its row."""
    centre = bounds.shape[1] // 2
    for j in gated:
        sign, state = (1 if gates[j] > 0 else 0), int(k[j])
        u = draw(salt, i, j)
        for e in range(bounds.shape[2]):
            if u < bounds[sign, state + centre, e]:
                state += shifts[sign, state + centre, e]
                k[j] = state
                w[j] = 1 if state > 0 else 0
                break


@compiled
def open_gates(v, c, numbers, up, down, gates, jump, gated):
    """Calcium decays; the gates of this step, X's jumps, and which units are gated (their number is returned)."""
    theta_v, up_low, up_high, down_low, down_high = numbers[4:9]
    count = 0
    for j in range(len(v)):
        c[j] *= numbers[3]
        gate = 0
        if v[j] > theta_v:
            if up_low < c[j] < up_high:
                gate = 1
        elif down_low < c[j] < down_high:
            gate = -1
        gates[j] = gate
        jump[j] = up if gate > 0 else (-down if gate < 0 else np.float32(0))
        if gate != 0:
            gated[count] = j
            count += 1
    return count


@compiled
def present(synapses, numbers, tables, events, drive, v, key, learn, spikes):
    """One presentation from V = ``v``; writes ``spikes`` [step, unit] and changes the synapses."""
    x, last, w = synapses
    walk, bounds, shifts = tables
    starts, index = events
    units = x.shape[1]
    weight, inhibiting, leak = numbers[:3]
    is_chain = bounds.shape[2] > 0
    c = np.zeros(units)
    gates, jump, gated = np.zeros(units, np.int8), np.zeros(units, np.float32), np.empty(units, np.int64)
    sums = np.empty(units, np.float32)
    if learn and not is_chain:
        x[:] = w
        last[:] = 0
    for t in range(len(spikes)):
        count = open_gates(v, c, numbers, walk[0], walk[1], gates, jump, gated) if learn else 0
        salt, now = step_salt(key, t), np.float32(t)
        sums[:] = 0
        arrived = starts[t + 1] - starts[t]
        for e in range(starts[t], starts[t + 1]):
            i = index[e]
            row = w[i]
            for j in range(units):
                sums[j] += row[j]
            if count == 0:
                continue
            if is_chain:
                chain_spike(i, x[i], row, gates, gated[:count], salt, bounds, shifts)
            else:
                internal_spike(x[i], last[i], row, now, jump, walk)
        for j in range(units):
            y = v[j] + weight * sums[j] - inhibiting * arrived + drive[j] - leak
            y = y if y > 0 else 0.0
            spikes[t, j] = y >= 1
            if y >= 1:
                y = 0.0
                c[j] += 1
            v[j] = y


@compiled
def present_all(synapses, numbers, tables, probability, drive, keys, steps, grid, learn, counts):
    """Every presentation [presentation, input] one after another; spike ``counts`` [presentation, unit]."""
    units = counts.shape[1]
    starts, index = np.empty(steps + 1, np.int64), np.empty(probability.shape[1] * steps, np.int32)
    v, spikes = np.empty(units), np.empty((steps, units), np.bool_)
    for s in range(len(keys)):
        poisson(probability[s], steps, keys[s], starts, index)
        start(keys[s], grid, v)
        present(synapses, numbers, tables, (starts, index), drive[s], v, keys[s], learn, spikes)
        for j in range(units):
            counts[s, j] = spikes[:, j].sum()
