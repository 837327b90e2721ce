"""What is deployed, with samples and the network it was made from: of a checkpoint, a NIR file, or a user's module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph import checkpoint, lava, streams

if TYPE_CHECKING:
    from neuromorph.importers.translate import Settings


@dataclass(frozen=True)
class Case:
    """What is deployed. ``records``: of the network it was made from, spikes and membranes [time, batch, neuron] in the
    chip's units; ``exact``: whether its spikes must be the chip's; ``scores``: lines of accuracies."""

    deployment: lava.Deployment
    x: np.ndarray
    y: np.ndarray | None
    records: list[tuple[np.ndarray, np.ndarray]]
    source: str
    exact: bool
    scores: tuple[tuple[str, float], ...] = ()
    words: tuple[str, ...] = ()
    by_membrane: bool = False

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for labels of which no output neuron says anything."""
        outputs = self.deployment.spec.sizes[-1]
        if self.y is not None and not np.isin(self.y, np.arange(outputs)).all():
            raise ValueError(
                f"The labels y go from {self.y.min()} to {self.y.max()}, but the network has {outputs} outputs: give "
                f"whole numbers from 0 to {outputs - 1}."
            )

    @property
    def way(self) -> str:
        """What an answer is read from."""
        return "last membranes" if self.by_membrane else "spike counts"

    def answers(self, spikes: np.ndarray, membranes: np.ndarray) -> np.ndarray:
        """[batch, class], of which the largest is the answer, of outputs [time, batch, class]."""
        return membranes[-1] if self.by_membrane else spikes.sum(0)

    def score(self, classes: np.ndarray) -> str:
        """The accuracy, or blanks without labels."""
        return "      " if self.y is None else f"{accuracy(classes, self.y):.4f}"


def accuracy(classes: np.ndarray, y: np.ndarray) -> float:
    """Share of the classes that are right."""
    return float((classes == y).mean())


def trained(learner: Any, x: np.ndarray, y: np.ndarray) -> Case:
    """Of a checkpoint's learner: its own test samples, and the training network's spikes, which must be the chip's."""
    import torch

    known = accuracy(learner.predict(x), y)
    network = learner.network
    if network.config.norm != "none":
        network = network.folded()
    deployment = lava.deploy(network)
    x = shown(deployment.spec, x)
    with torch.no_grad():
        records = [[part.flatten(2).numpy() for part in record] for record in network.record(torch.from_numpy(x))]
        classes = network.readout(*map(torch.from_numpy, records[-1])).numpy().argmax(1)
    scores = [(f"training network, its own read-out ({network.config.readout})", accuracy(classes, y))]
    if network is not learner.network:
        scores.insert(0, ("training network, before its batch norm was folded", known))
    both = [(spikes == 1, membranes) for spikes, membranes in records]
    return Case(deployment, x, y, both, "training network", True, tuple(scores))


def written(spec: lava.NetworkSpec, data: str, calibration: int, samples: int) -> Case:
    """Of a file that this project wrote, number for number; the rest as ``imported``."""
    from neuromorph.importers.samples import samples as arranged
    from neuromorph.lava.reference import simulate

    _, x, y = arranged(data, spec.num_steps, spec.encoding, calibration, samples) if data else (None,) * 3
    x = drawn(spec, samples) if x is None else x
    words = ("written by this project: number for number, nothing is quantised",)
    records = [(record.spikes, record.membranes) for record in simulate(spec, x)]
    return Case(lava.deploy(spec), x, y, records, "integers of the file", True, (), words)


def imported(source: Any, settings: Settings, data: str, calibration: int, samples: int) -> Case:
    """Of a NIR file or a user's module: quantised on training samples, its floating network beside it.

    ``data``: as ``importers.samples.samples`` takes it, or "" for random samples.
    """
    from neuromorph.importers.samples import samples as arranged
    from neuromorph.importers.translate import translate

    steps, encoding = settings.num_steps, settings.encoding
    first, x, y = arranged(data, steps, encoding, calibration, samples) if data else (None,) * 3
    deployment = translate(source, settings, first)
    x = drawn(deployment.spec, samples) if x is None else x
    origin = deployment.origin
    assert origin is not None
    words = (
        *(f"imported: {line}" for line in origin.graph.about),
        f"quantised to {settings.weight_bits} bits on {origin.calibration}; by layer, on the floating network's "
        "spikes:",
        *(f"  {report}" for report in origin.layers),
        "",
    )
    records = origin.run(deployment.spec, x)
    return Case(deployment, x, y, records, "floating network", False, (), words, origin.by_membrane)


def drawn(spec: lava.NetworkSpec, samples: int) -> np.ndarray:
    """At most 20 random samples, where no data are given."""
    from fusi_models.seeds import generator

    count, rng = min(samples or 20, 20), generator("samples of a network without data", 0)
    if spec.encoding != "raster":
        return rng.random((count, spec.sizes[0]), dtype=np.float32)
    return (rng.random((spec.num_steps, count, spec.sizes[0])) < 0.1).astype(np.float32)


def load_checkpoint(path: Path, samples: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The learner, and test samples x [n, ...], y [n] of its stream. Raises ValueError for another kind of file."""
    from neuromorph.learners.deep import DeepConfig, DeepLearner

    try:
        content = checkpoint.load_checkpoint(path)
    except ValueError as error:
        raise ValueError(
            f"{path} is no checkpoint of 'neuromorph train': {error} Of your own network, say --model module:Class."
        ) from error
    try:
        arguments, state = content["arguments"], content["learner"]
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in state["config"].items()}
        learner = DeepLearner(DeepConfig(**settings))
        learner.load_state_dict(state)
    except (KeyError, TypeError, RuntimeError, AttributeError) as error:  # of another learner, or of another version
        raise ValueError(
            f"{path} is no checkpoint of 'neuromorph train': it was saved by another learner or another version "
            f"({type(error).__name__})."
        ) from error
    stream = streams.by_name(
        arguments["stream"],
        arguments["tasks"],
        arguments["seed"],
        arguments["samples"] or None,
        arguments["test_samples"] or None,
    )
    each = -(-samples // len(stream)) if samples else None
    tests = [(x[:each], y[:each]) for x, y in (task.test for task in stream)]
    x, y = (np.concatenate(parts)[: samples or None] for parts in zip(*tests, strict=True))
    return learner, x, y


def shown(spec: Any, x: np.ndarray) -> np.ndarray:
    """Samples [n, ...] as the network takes them: [n, feature], or spikes [time, n, feature]."""
    if spec.encoding == "raster":
        return np.ascontiguousarray(x.reshape(len(x), spec.num_steps, spec.sizes[0]).swapaxes(0, 1))
    return x.reshape(len(x), spec.sizes[0])
