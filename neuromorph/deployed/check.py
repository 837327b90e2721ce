"""A case run every way: integer reference, stock and batched Lava, the outputs' drive; and what a user reads of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neuromorph.deployed.case import Case
from neuromorph.lava.reference import Record, simulate

SILENT = 0.05  # share of samples without an output spike that is told
STOCK_DRIVE = 50  # samples whose drive is also read on the stock graph, which is slow


@dataclass(frozen=True)
class Drive:
    """The finer read-out: in words, and how many of its numbers differ from the reference (batched, stock graph)."""

    words: str
    differing: list[int]


@dataclass(frozen=True)
class Check:
    """``reference``: of each layer. ``ways``: each way's spikes by layer, the network it was made from first."""

    case: Case
    reference: list[Record]
    ways: dict[str, tuple[np.ndarray, ...]]
    drive: Drive

    @cached_property
    def differing(self) -> dict[str, list[int]]:
        """Spikes that differ from the reference, by layer."""
        return {
            name: [int((a != b.spikes).sum()) for a, b in zip(layers, self.reference, strict=True)]
            for name, layers in self.ways.items()
        }

    @property
    def equal(self) -> bool:
        """Whether no spike and no drive differs, but for what quantising moved, which is no fault of the mapping."""
        told = [each for name, each in self.differing.items() if self.case.exact or name != self.case.source]
        return not any(map(any, told)) and not any(self.drive.differing)

    @property
    def samples(self) -> int:
        """How many were shown."""
        return self.reference[0].spikes.shape[1]

    @property
    def neuron_steps(self) -> int:
        """Compared, each way."""
        return sum(record.spikes.size for record in self.reference)

    @cached_property
    def accuracy(self) -> dict[str, str]:
        """Of the reference and of each way, in print; blanks without labels, or where nothing was read."""
        case = self.case
        last = self.reference[-1]
        made = {f"integer reference, {case.way}": case.score(case.answers(*last).argmax(1))}
        for name, layers in self.ways.items():
            source = name == case.source
            if case.by_membrane and not source:  # Lava's spikes alone are recorded here
                made[f"{name}, {case.way}"] = "      "
            else:
                membranes = case.records[-1][1] if source else last.membranes
                made[f"{name}, {case.way}"] = case.score(case.answers(layers[-1], membranes).argmax(1))
        return made

    def lines(self) -> Iterator[str]:
        """A table in print."""
        case, accuracy, differing = self.case, self.accuracy, list(self.differing.values())
        yield from case.words
        yield f"{'':52}accuracy   spikes that differ from the reference, by layer"
        for name, score in case.scores:
            yield f"{name:52}{score:.4f}"
        for (name, found), each in zip(accuracy.items(), [None, *differing], strict=True):
            yield f"{name:52}{found}" + ("" if each is None else f"     {' '.join(map(str, each))}")
        yield f"compared: {self.neuron_steps} neuron steps, each way"
        silent = int((~self.reference[-1].spikes.any((0, 2))).sum())
        if silent > SILENT * self.samples and not case.by_membrane:
            yield (
                f"{silent} of {self.samples} samples have no output spike, so that counts say nothing of them: "
                "train on spike counts, not on membranes, or lower the last threshold"
            )
        if not case.exact:
            total = [int(spikes.sum()) for spikes, _ in case.records]
            yield f"spikes of the {case.source}, by layer: {' '.join(map(str, total))}"
        yield self.drive.words

    def content(self) -> dict[str, Any]:
        """For deployment.json."""
        spec = self.case.deployment.spec
        return {
            "network": spec.title,
            "steps": spec.num_steps,
            "samples": self.samples,
            "accuracy": dict(self.case.scores) | {k: float(v) for k, v in self.accuracy.items() if v.strip()},
            "neuron_steps": self.neuron_steps,
            "differing_spikes": self.differing,
            "differing_drive": self.drive.differing,
        }


def checked(case: Case, timeout: float) -> Check:
    """Run it; ``timeout``: seconds that one run on Lava may take. Raises ImportError without Lava, TimeoutError."""
    deployment = case.deployment
    ways = {case.source: tuple(spikes for spikes, _ in case.records)}
    for engine in ("stock", "batched"):
        ways[f"Lava, {engine} graph"] = deployment.layers(case.x, engine, timeout=timeout, progress=True)
    return Check(case, simulate(deployment.spec, case.x), ways, _drive(case, timeout))


def _drive(case: Case, timeout: float) -> Drive:
    deployment, x = case.deployment, case.x
    try:
        expected = deployment.reference_drive(x)
    except ValueError as error:
        return Drive(f"no read-out of the outputs' drive: {error}", [])
    found = deployment.drive(x, "batched", timeout)
    few = x[:, :STOCK_DRIVE] if deployment.spec.encoding == "raster" else x[:STOCK_DRIVE]
    stock = deployment.drive(few, "stock", timeout)
    differing = [int((found != expected).sum()), int((stock != expected[: len(stock)]).sum())]
    line = f"{'Lava, outputs only integrate, read by Read':52}{case.score(found.argmax(1))}     "
    line += f"{differing[0]} of {found.size} numbers differ; stock graph, {len(stock)} samples: {differing[1]}"
    return Drive(line, differing)
