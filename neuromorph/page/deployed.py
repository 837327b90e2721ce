"""What ``neuromorph deploy`` says of a network at first, and draws of one sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neuromorph.lava.drawing import distinct, membranes, raster
from neuromorph.page.svg import drawing


@dataclass(frozen=True)
class Verdict:
    """``equal``: no spike and no drive differs. ``problems``: of each chip asked for, why the network does not fit."""

    equal: bool
    problems: dict[str, tuple[str, ...]]

    @property
    def fits(self) -> bool:
        """At least one of the chips."""
        return not all(self.problems.values())

    def content(self) -> dict[str, Any]:
        """For deployment.json."""
        return {"equal": self.equal, "fits": {k: not v for k, v in self.problems.items()}, "problems": self.problems}

    def __str__(self) -> str:
        lines = [f"verdict: {'every spike is equal' if self.equal else 'SPIKES DIFFER'} on Lava"]
        for chip, problems in self.problems.items():
            (name,) = chip_names((chip,))
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            lines.append(f"verdict: DOES NOT FIT {name}: {problems[0]}{more}" if problems else f"verdict: fits {name}")
        return "\n".join(lines)


def chip_names(chips: Sequence[str]) -> list[str]:
    """As people write them: loihi1 is Loihi 1."""
    return [f"Loihi {chip.removeprefix('loihi')}" for chip in chips]


def sample_figures(spec: Any, records: Sequence[Any], messages: np.ndarray, source: str, words: str) -> dict[str, str]:
    """raster.svg and membranes.svg of one sample, name -> text.

    ``records``: of each layer, spikes and membranes [time, batch, neuron] of the network ``source``, of which the first
    sample is drawn; ``messages``: that sample, encoded; ``words``: which one it is, its label and what is predicted.
    """
    from neuromorph.lava.graphs.inference import run_stock, stock_membranes

    spikes = run_stock(spec, messages, set(range(len(spec.layers))))
    traces = stock_membranes(spec, messages[0])
    rasters, lines = (
        Figure(figsize=(max(7, 4.4 * len(records)), height), layout="constrained") for height in (4.6, 3.6)
    )
    all_axes, line_axes = (figure.subplots(1, len(records), squeeze=False) for figure in (rasters, lines))
    for k, (spk, mem) in enumerate(records):
        ours, mem = spk[:, 0], np.where(spk[:, 0] & (spec.layers[k].reset == "zero"), 0, mem[:, 0])
        title = f"layer {k + 1}, {'x'.join(map(str, spec.layers[k].shape))} neurons"
        raster(ours, spikes[k][:, 0], title, all_axes[0, k])
        some = distinct(ours, mem)
        thresholds = spec.layers[k].each(spec.layers[k].threshold)[some]
        membranes(mem[:, some], traces[k][:, some], thresholds, title, line_axes[0, k], some)
    rasters.suptitle(f"{words}: spikes, {source} (rings) and Lava (dots)", fontsize=11)
    lines.suptitle(f"{words}: membranes, {source} (lines) and Lava (dots)", fontsize=11)
    return {"raster.svg": drawing(rasters), "membranes.svg": drawing(lines)}
