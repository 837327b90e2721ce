"""Presentations of ``tacos`` in plain torch on any device: its equations once more, to be read and compared.

The order of a step is that of ``tacos``, where the equations are. Sums over spikes go in torch's own order, so a spike
may come a step later than in the compiled loops where a membrane meets its threshold to the last bit.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# the arguments are those of ``tacos.present``, without types there

from dataclasses import dataclass

import numpy as np
import torch

from neuromorph.local_rule import error_neurons, tacos
from neuromorph.local_rule.draws import drawn


@dataclass
class _Layer:
    """A layer: its numbers, synapses [before, after] and units; ``begin``: where its synapses begin, of ``total``."""

    fixed: error_neurons.Layer
    rates: tacos.Rates
    w: torch.Tensor
    reference: torch.Tensor
    m: torch.Tensor
    r: torch.Tensor
    turn: int
    table: torch.Tensor
    begin: int
    total: int

    def rest(self):
        """As at the start of a presentation."""
        self.current, self.v, self.u, self.x = self.w.new_zeros(4, self.w.shape[1])
        self.last = torch.full_like(self.v, -4)
        self.gathered = self.w.new_zeros(self.w.shape if self.rates.gather > 0 else 0)

    def fire(self, spikes, t):
        """One step after ``spikes`` [before]; spikes [after]."""
        c = self.fixed
        self.current = self.current - self.current / c.tau_syn + spikes @ self.w / c.tau_syn
        self.v = (self.v + (self.current * c.resistance - self.v) / c.tau_m).clamp(min=-c.vth / 10)
        self.v[t - self.last <= error_neurons.REFRACTORY] = 0
        fired = self.v >= c.vth
        self.v[fired], self.last[fired] = 0, t
        self.x = self.x - self.x / float(error_neurons.TRACE) + fired
        return fired.float()

    def learn(self, before, protects, salt, t):
        """Down U, where a spike came in."""
        gated = self.u * (self.current.abs() < self.fixed.window)
        damping = (-(self.m * self.w).abs()).exp() if protects else 1.0
        step = -self.rates.eta * gated * damping * before[:, None]
        if self.rates.gather > 0:
            self.gathered += step
            self.write(salt, t)
        else:
            self.change(step, salt, t, 0)

    def write(self, salt, t):
        """A device of each synapse that has gathered enough goes one level."""
        before, after = ready = torch.nonzero(self.gathered.abs() >= self.rates.gather, as_tuple=True)
        if not len(before):
            return
        device, place = self.turn % self.r.shape[2], self.begin + before * self.w.shape[1] + after
        noise = torch.as_tensor(tacos.noises(salt[0], salt[1], t, place.cpu().numpy(), self.total)).to(self.w)
        level = (self.r[before, after, device][:, None] - self.table[0]).abs().argmin(1)
        level = (level + self.gathered[ready].sign().long()).clamp(0, self.table.shape[1] - 1)
        self.r[before, after, device] = self.table[0, level] * (1 + self.table[1, level] * noise)
        self.w[ready] = self.rates.scale[0] * (1 / self.r[ready]).sum(1) - self.rates.scale[1]
        self.gathered[ready] = 0
        self.turn += 1

    def drift(self, fired, salt, t):
        """Towards the reference, where a spike went out."""
        self.change(-self.rates.alpha * (self.w - self.reference) * fired, salt, t, 1)

    def change(self, change, salt, t, drifts):
        """Within +-w_max, rounded where there is a grid."""
        grid = self.rates.grid
        new = (self.w + change).clamp(-self.rates.w_max, self.rates.w_max)
        if grid > 0:
            place = self.begin + np.arange(new.numel()).reshape(new.shape)
            chance = 0.5 * (1 + tacos.roundings(salt[0], salt[1], t, place, self.total, drifts))
            low = (new / grid).floor()
            new = (low + (torch.as_tensor(chance).to(new.device) < new / grid - low)) * grid
        self.w = torch.where(change != 0, new, self.w)

    def grow(self, before, thresholds):
        """m, from the traces ``before`` it and its own."""
        both = (before > thresholds[0])[:, None] & (self.x > thresholds[1])
        self.m = torch.where(both, (self.m + self.fixed.dm).clamp(max=self.fixed.cap), self.m)


def present(
    layers, rates, w, reference, m, cells, back, thresholds, chances, label_rate, steps, targets, switches, key,
    counts, device,
):  # fmt: skip
    """As ``tacos_brian.present``, whose arguments these are, on a ``device`` of torch."""
    begins, total = (0, w[0].size), w[0].size + w[1].size
    moved = [[torch.tensor(array, device=device) for array in pair] for pair in (w, reference, m)]
    made = [
        (torch.tensor(c.r, device=device), int(c.turn[0]), torch.tensor(np.stack(c.table), device=device))
        for c in cells
    ]
    parts = zip(layers, rates, *moved, *zip(*made, strict=True), begins, (total, total), strict=True)
    hidden, output = (_Layer(*one) for one in parts)
    feedback, salt = torch.tensor(back, device=device), error_neurons.salted(key, counts)
    labels = error_neurons.told(salt, targets, label_rate, steps, back.shape[1])
    spikes = tuple(np.zeros((len(targets), steps, n), bool) for n in back.shape)
    for n, (chance, target, count) in enumerate(zip(chances, targets, counts, strict=True)):
        lit = drawn(key, count, (steps, len(chance)), False) < 2 * chance.astype(float) - 1
        told = torch.as_tensor(labels[n], dtype=torch.float32, device=device) if target >= 0 else None
        raster = torch.as_tensor(lit, dtype=torch.float32, device=device)
        shown = _shown(hidden, output, raster, told, feedback, switches[0], salt[n])
        for array, found in zip(spikes, shown[1:], strict=True):
            array[n] = found.cpu().numpy()
        if target >= 0:
            _over(hidden, output, shown, target, thresholds, switches[1])
    if targets[0] >= 0:
        for pair, name in ((w, "w"), (reference, "reference"), (m, "m")):
            for array, layer in zip(pair, (hidden, output), strict=True):
                array[:] = getattr(layer, name).cpu().numpy()
        for cell, layer in zip(cells, (hidden, output), strict=True):
            cell.r[:], cell.turn[:] = layer.r.cpu().numpy(), layer.turn
    return spikes


def _shown(hidden, output, lit, told, feedback, protects, salt):
    """One presentation: traces of the inputs, spikes [step, unit] of the hidden and of the output layer."""
    hidden.rest()
    output.rest()
    trace, wrong = torch.zeros_like(lit[0]), feedback.new_zeros(2, feedback.shape[1])
    found: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    for t, spikes in enumerate(lit):
        trace = trace - trace / float(error_neurons.TRACE) + spikes
        middle = hidden.fire(spikes, t)
        answers = output.fire(middle, t)
        found[0].append(middle > 0)
        found[1].append(answers > 0)
        if told is None:
            continue
        wrong = (wrong + 2.5 * torch.stack((answers - told[t], told[t] - answers))).clamp(min=-0.25)
        blamed = (wrong >= 2.5).float()
        wrong = wrong - 2.5 * blamed
        push = (blamed[0] - blamed[1]) / 3
        hidden.u = hidden.u - hidden.u / float(tacos.LEAK) + feedback @ push
        output.u = output.u - output.u / float(tacos.LEAK) + push
        hidden.learn(spikes, protects, salt, t)
        output.learn(middle, protects, salt, t)
        hidden.drift(middle, salt, t)
        output.drift(answers, salt, t)
    return trace, torch.stack(found[0]), torch.stack(found[1])


def _over(hidden, output, shown, target, thresholds, modulated):
    """The end of a presentation: w0 and m."""
    for layer in (hidden, output):
        layer.reference = layer.reference + (layer.w - layer.reference) / layer.rates.tau_ref * (layer.rates.alpha > 0)
    counts = shown[2].sum(0)
    others = torch.arange(len(counts), device=counts.device) != target
    if not modulated or counts[target] > (counts * others).max():
        hidden.grow(shown[0], thresholds[:2])
        output.grow(hidden.x, thresholds[1:])
