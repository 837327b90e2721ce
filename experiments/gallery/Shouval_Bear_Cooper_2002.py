"""A unified model of NMDA receptor-dependent bidirectional synaptic plasticity.

Shouval, Bear & Cooper 2002 (PNAS 99:10831). Panels: what calcium does to a weight; one pair of spikes against
their distance; a held voltage; trains of one frequency. The paper itself was not at hand: equations and constants are
those quoted from it.

Agrees: one set of constants gives depression and potentiation by all three inductions; a pair of spikes depresses when
the cell fires first, potentiates up to 40 ms after the input and depresses again from 45 to 125 ms (changes above
.001), the second window that the model is known for; little depolarisation depresses and much potentiates; slow trains
depress and fast ones potentiate.
Reconstruction: the size of an EPSP, 1 mV, and the delay of the BPAP, 2 ms, are those that give the quoted curve; the
frequency at which depression turns into potentiation follows the EPSP (12 Hz at 1 mV, 7 Hz at 10 mV), and how receptors
that are open meet the next spike is ours.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fusi_models.engines.calcium_protocols import clamped, crossing, frequency, pairing
from fusi_models.models.calcium import SHOUVAL_2002
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args:
    pulses: int = 100
    """Presynaptic spikes of the inductions by voltage and by frequency."""
    out: Path = Path("Shouval_Bear_Cooper_2002.svg")
    """Figure to write."""


def main(args: Args) -> None:
    page = Figure(figsize=(13, 3.6), layout="constrained")
    curves, timing, voltage, train = page.subplots(1, 4)
    synapse = SHOUVAL_2002

    calcium = np.linspace(0, 1, 400)
    curves.plot(calcium, synapse.omega(calcium), label=r"$\Omega$")
    curves.plot(calcium, 1000 * synapse.rate(calcium), label=r"$\eta$ (1/s)")
    curves.set(title="where calcium leads", xlabel="calcium (uM)")
    curves.legend(frameon=False)

    delays = np.arange(-100.0, 161, 5)
    pair = pairing(synapse, delays)
    timing.plot(delays, pair.change)
    timing.axhline(0, color="0.7", lw=0.8)
    timing.set(title="one pair", xlabel="cell after input (ms)", ylabel="change of the weight (from .25)")

    held = np.arange(-90.0, 31, 5)
    change = clamped(synapse, held, args.pulses)
    voltage.plot(held, change)
    voltage.axhline(0, color="0.7", lw=0.8)
    voltage.set(title=f"{args.pulses} inputs at 1 Hz, voltage held", xlabel="mV")

    rates, turns = np.array([0.5, 1, 2, 3, 5, 7, 10, 12, 15, 20, 30, 50]), []
    for size in (1.0, 10.0):
        curve = frequency(replace(synapse, epsp=size), rates, args.pulses)
        train.semilogx(rates, curve, "o-", ms=3, label=f"EPSP {size:g} mV")
        turns.append(crossing(rates, curve))
    train.axhline(0, color="0.7", lw=0.8)
    train.set(title=f"{args.pulses} inputs, cell silent", xlabel="Hz")
    train.legend(frameon=False)
    page.savefig(args.out)

    shown = pairing(synapse, [-60, -20, -5, 0, 10, 20, 40, 60, 80, 100, 150])
    print("one pair, cell after input by -60 -20 -5 0 10 20 40 60 80 100 150 ms:")
    print("  peak calcium (uM):", " ".join(f"{x:.3f}" for x in shown.peak))
    print("  change of weight: ", " ".join(f"{x:.4f}" for x in shown.change))
    windows = np.flatnonzero(np.diff(np.sign(np.where(np.abs(pair.change) > 1e-3, pair.change, 0))))
    print("windows change at (ms):", delays[windows] + 2.5)
    print(f"held voltage: depression at most at {held[change.argmin()]:g} mV, turns at {crossing(held, change):.1f} mV")
    print("trains turn to potentiation at (Hz), EPSP 1 and 10 mV:", np.round(turns, 1))


if __name__ == "__main__":
    run_page(main, Args)
