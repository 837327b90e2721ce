"""One step of one sample for ``sampled.SampledNetwork``, compiled: forward, backward and update in one loop.

The same equations as in torch (``sampled``, ``posterior``, ``optim``: those functions are compiled here) with the same
random numbers, summed in another order. Arrays are changed in place, float32. This module loads numba, whose cache does
not see a change in the files named above: change this one too.

Names: z [sample, unit]; hat: behind the norm; pull: dC/dz; x [1 or sample, unit]: the input of a layer, the first one's
being the same for all samples.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math

import numba
import numpy as np

from neuromorph.local_rule.draws import U32, normal, salts
from neuromorph.snn import posterior
from neuromorph.snn.layers import FEWEST_NORMED
from neuromorph.snn.optim import bgd, bimu, mesu
from neuromorph.snn.sampled import EPSILON

# Sums in any order, so that they become vectors; NaN and infinity keep their meaning.
compiled = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
f32 = np.float32
MESU, BGD, PLAIN = 0, 1, 2

_mesu, _bgd, _bimu = compiled(mesu.mesu), compiled(bgd.bgd), compiled(bimu.bimu)
_closed, _series = compiled(posterior.relaxed_moments), compiled(posterior.relaxed_series)


@compiled
def _root(x):
    return math.sqrt(x)


@compiled
def _tanh(x):
    """Of a float32, to its precision, without branches: a continued fraction at x / 16, doubled four times."""
    x = min(max(x, f32(-9.0)), f32(9.0))
    y = x * f32(0.0625)
    s = y * y
    t = y * (f32(945) + s * (f32(105) + s)) / (f32(945) + s * (f32(420) + s * f32(15)))
    for _ in range(4):
        t = (t + t) / (f32(1) + t * t)
    return t


@compiled
def _activated(z, hat, spread, fan_in, normed, gate, last):
    """The output of a layer [sample, unit] from z; fills hat and spread [sample] = 1 / sqrt(var + eps).

    Of fewer than ``FEWEST_NORMED`` units spread is 1 / sqrt(fan_in).
    """
    out = np.empty_like(z)
    samples, units = z.shape
    for s in range(samples):
        mean, spread[s] = f32(0), f32(1)
        if normed and units < FEWEST_NORMED:
            spread[s] = f32(1) / math.sqrt(f32(fan_in))
        elif normed:
            mean = z[s].sum() / f32(units)
            variance = f32(0)
            for i in range(units):
                variance += (z[s, i] - mean) * (z[s, i] - mean)
            spread[s] = f32(1) / math.sqrt(variance / f32(units) + f32(EPSILON))
        for i in range(units):
            h = (z[s, i] - mean) * spread[s]
            hat[s, i] = h
            out[s, i] = h if last else (f32(abs(h) > 1) if gate else max(h, f32(0)))
    return out


@compiled
def _pulled(grad, hat, spread, normed, gate, last):
    """dC/dz in place of ``grad``, the gradient of a layer's output [sample, unit]."""
    samples, units = grad.shape
    for s in range(samples):
        mean, along = f32(0), f32(0)
        for i in range(units):
            h = hat[s, i]
            if not last and gate:
                grad[s, i] *= math.copysign(f32(1), h) if 0.5 < abs(h) < 1.5 else f32(0)
            elif not last and h <= 0:
                grad[s, i] = 0
            mean += grad[s, i]
            along += grad[s, i] * h
        if normed and units < FEWEST_NORMED:
            for i in range(units):
                grad[s, i] *= spread[s]
        elif normed:
            for i in range(units):
                grad[s, i] = spread[s] * (grad[s, i] - mean / f32(units) - hat[s, i] * along / f32(units))


@compiled
def _error(z, target, scale):
    """Error in nats of scores z [sample, class], averaged over samples, and its gradient."""
    samples, classes = z.shape
    grad, error = np.empty_like(z), f32(0)
    for s in range(samples):
        top, total = scale * z[s].max(), f32(0)
        for i in range(classes):
            grad[s, i] = math.exp(scale * z[s, i] - top)
            total += grad[s, i]
        error += (math.log(total) + top - scale * z[s, target]) / f32(samples)
        for i in range(classes):
            grad[s, i] = scale * (grad[s, i] / total - f32(i == target)) / f32(samples)
    return error, grad


@compiled
def _sums(mean, deviation, x, noise, slope):
    """z of a layer with one number a sum (noise [sample, unit]); fills slope = noise / sqrt(variance)."""
    z = np.empty_like(noise)
    samples, units = noise.shape
    for r in range(len(x)):
        for i in range(units):
            centre, variance = f32(0), f32(0)
            for j in range(x.shape[1]):
                wide = deviation[i, j] * x[r, j]
                centre += mean[i, j] * x[r, j]
                variance += wide * wide
            root = f32(math.sqrt(variance + f32(posterior.TINY)))
            for s in range(r, r + 1) if len(x) > 1 else range(samples):
                slope[s, i] = noise[s, i] / root
                z[s, i] = centre + root * noise[s, i]
    return z


@compiled
def _gaussian_moves(rule, c, mean, deviation, along, across):
    """The rule for one unit [in]; the gradients are ``along`` of the mean and ``across`` times the deviation."""
    clamp = c[5] if c[5] > 0 else f32(np.inf)
    for j in range(len(mean)):  # each rule a loop without branches, which a compiler turns into vectors
        bound = clamp / deviation[j]
        along[j] = min(max(along[j], -bound), bound)
        across[j] = min(max(across[j] * deviation[j], -bound), bound)
    if rule == MESU:
        for j in range(len(mean)):
            moves = _mesu(mean[j], deviation[j], along[j], across[j], c[0], c[1], c[2], c[3], c[4])
            mean[j] += moves[0]
            deviation[j] += moves[1]
    elif rule == BGD:
        for j in range(len(mean)):
            moves = _bgd(mean[j], deviation[j], along[j], across[j], c[0], c[1], _root)
            mean[j] += moves[0]
            deviation[j] += moves[1]
    else:
        for j in range(len(mean)):
            mean[j] -= c[0] * along[j]


@compiled
def _returned(mean, deviation, x, pull, slope, back):
    """Add the gradient of one unit's input to ``back`` [sample, in]; pull and slope [sample] are the unit's."""
    for s in range(len(back)):
        for j in range(back.shape[1]):
            wide = deviation[j] * deviation[j]
            back[s, j] += pull[s] * (mean[j] + slope[s] * wide * x[s, j])


@compiled
def _gathered(x, pull, slope, along, across):
    """The gradients of one unit's means [in], and of its deviations over the deviations."""
    along[:], across[:] = 0, 0
    for r in range(len(x)):
        straight, scaled = f32(0), f32(0)
        for s in range(r, r + 1) if len(x) > 1 else range(len(pull)):
            straight += pull[s]
            scaled += pull[s] * slope[s]
        for j in range(x.shape[1]):
            along[j] += straight * x[r, j]
            across[j] += scaled * x[r, j] * x[r, j]


@compiled
def _noise(keys, samples, units):
    noise, salt = np.empty((samples, units), f32), salts(keys[0], keys[1])
    for s in range(samples):
        for i in range(units):
            noise[s, i] = normal(salt, s * units + i)
    return noise


@compiled
def _gaussian_step(rule, c, means, deviations, keys, x, target, samples, normed, gate, scale):
    """Learn one sample x [feature]; returns its error in nats before the step, and moves nothing if it is not finite.

    ``means``, ``deviations``: tuples of arrays [out, in]. ``c`` float32: constants of the rule, the sixth ``clamp``.
    ``keys`` [layer, 2]: key and number of the draw. ``scale``: inverse temperature.
    """
    layers = len(means)
    inputs, hats, spreads, slopes = [x.reshape(1, -1)], [x.reshape(1, -1)], [x], [x.reshape(1, -1)]
    z = x.reshape(1, -1)
    for k in range(layers):
        noise = _noise(keys[k], samples, len(means[k]))
        slope, hat, spread = np.empty_like(noise), np.empty_like(noise), np.empty(samples, f32)
        z = _sums(means[k], deviations[k], inputs[k], noise, slope)
        z = _activated(z, hat, spread, inputs[k].shape[1], normed, gate, k == layers - 1)
        inputs.append(z)
        hats.append(hat)
        spreads.append(spread)
        slopes.append(slope)
    error, pull = _error(z, target, scale)
    if not math.isfinite(error):
        return error
    for k in range(layers - 1, -1, -1):
        _pulled(pull, hats[k + 1], spreads[k + 1], normed, gate, k == layers - 1)
        units, fan_in = means[k].shape
        back, along, across = np.zeros((samples if k else 0, fan_in), f32), np.empty(fan_in, f32), np.empty(fan_in, f32)
        for i in range(units):
            _returned(means[k][i], deviations[k][i], inputs[k], pull[:, i], slopes[k + 1][:, i], back)
            _gathered(inputs[k], pull[:, i], slopes[k + 1][:, i], along, across)
            _gaussian_moves(rule, c, means[k][i], deviations[k][i], along, across)
        pull = back
    return error


@compiled
def gaussian_steps(rule, c, means, deviations, keys, x, targets, samples, normed, gate, scale):
    """Learn samples x [n, feature] one by one; returns the last error, with which it stops if it is not finite."""
    error = f32(0)
    for n in range(len(x)):
        error = _gaussian_step(rule, c, means, deviations, keys, x[n], targets[n], samples, normed, gate, scale)
        for k in range(len(keys)):
            keys[k, 1] += U32(1)
        if not math.isfinite(error):
            break
    return error


@compiled
def _moments(latent, mean, deviation, slope, half):
    """Of relaxed signs [unit, in]: mean, deviation, the slope of the mean and half that of the variance."""
    for i in range(len(latent)):
        for j in range(latent.shape[1]):
            x = latent[i, j]
            near, far = _series(x), _closed(x, _tanh(x))
            values = near if abs(x) < posterior.NEAR else far
            mean[i, j], slope[i, j], half[i, j] = values[0], values[1], values[2]
            deviation[i, j] = math.sqrt(max(values[3], 0.0))


@compiled
def _bernoulli_step(c, latents, keys, x, target, samples, normed, gate, scale):
    """As ``_gaussian_step``, for relaxed signs and BiMU's rule; ``latents``: tuple of lambda [out, in]."""
    layers = len(latents)
    first = x.reshape(1, -1)
    inputs, hats, spreads, slopes, forms, gradients = (
        [first],
        [first],
        [x],
        [first],
        [np.empty((4, 1, 1), f32)],
        [first],
    )
    z, moved = first, False
    for k in range(layers):
        form = np.empty((4, *latents[k].shape), f32)
        _moments(latents[k], form[0], form[1], form[2], form[3])
        noise = _noise(keys[k], samples, len(latents[k]))
        slope, hat, spread = np.empty_like(noise), np.empty_like(noise), np.empty(samples, f32)
        z = _sums(form[0], form[1], inputs[k], noise, slope)
        z = _activated(z, hat, spread, inputs[k].shape[1], normed, gate, k == layers - 1)
        inputs.append(z)
        hats.append(hat)
        spreads.append(spread)
        slopes.append(slope)
        forms.append(form)
        gradients.append(np.empty_like(form[0]))
    error, pull = _error(z, target, scale)
    if not math.isfinite(error):
        return error
    for k in range(layers - 1, -1, -1):
        _pulled(pull, hats[k + 1], spreads[k + 1], normed, gate, k == layers - 1)
        units, fan_in = latents[k].shape
        form, gradient = forms[k + 1], gradients[k + 1]
        back, along, across = np.zeros((samples if k else 0, fan_in), f32), np.empty(fan_in, f32), np.empty(fan_in, f32)
        for i in range(units):
            _returned(form[0, i], form[1, i], inputs[k], pull[:, i], slopes[k + 1][:, i], back)
            _gathered(inputs[k], pull[:, i], slopes[k + 1][:, i], along, across)
            for j in range(fan_in):
                gradient[i, j] = along[j] * form[2, i, j] + across[j] * form[3, i, j]
        moved, pull = moved or bool(np.any(gradient)), back
    for k in range(layers if moved else 0):
        _bimu_moves(c, latents[k].reshape(-1), gradients[k + 1].reshape(-1))
    return error


@compiled
def _bimu_moves(c, latent, gradient):
    for j in range(len(latent)):
        latent[j] += _bimu(latent[j], _tanh(latent[j]), gradient[j], c[0], c[1], c[2], c[3], c[4])


@compiled
def bernoulli_steps(c, latents, keys, x, targets, samples, normed, gate, scale):
    """As ``gaussian_steps``, for relaxed signs and BiMU's rule."""
    error = f32(0)
    for n in range(len(x)):
        error = _bernoulli_step(c, latents, keys, x[n], targets[n], samples, normed, gate, scale)
        for k in range(len(keys)):
            keys[k, 1] += U32(1)
        if not math.isfinite(error):
            break
    return error
