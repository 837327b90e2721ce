"""Anything that spikes to a ``Deployment``: a module of snnTorch, a NIR graph or file, or a ``FloatGraph``."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from fusi_models.seeds import generator
from neuromorph.importers.frames import frames, reader
from neuromorph.importers.graph import FloatGraph, simulate
from neuromorph.importers.quantise import Choice, LayerReport, quantise
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.spec import NetworkSpec

RANDOM_SAMPLES, RANDOM_RATE = 16, 0.1  # of the calibration where no data are given


@dataclass(frozen=True)
class Settings:
    """How a network made elsewhere is shown its input, and how it is quantised.

    ``encoding``, ``input_bits`` as in ``lava.NetworkSpec``: "raster" takes spikes [time, batch, feature], "current"
    with bits the same value at every step, "rate" and "latency" make spikes of it. ``weight_bits``: 16 (two synapses),
    8, 4, 2, 1. ``scales``: a weight scale a "layer" or a "channel", or the "best" of them. ``input_shape``: of a module
    whose first layer is not Linear. ``dt``: seconds of a step of a NIR graph.
    """

    num_steps: int = 0
    encoding: str = "raster"
    input_bits: int = 0
    weight_bits: int = 8
    scales: str = "best"
    input_shape: tuple[int, ...] | None = None
    dt: float = 1e-4

    def __post_init__(self) -> None:
        if self.num_steps != int(self.num_steps) or self.num_steps < 1:
            raise ValueError(
                f"num_steps = {self.num_steps}: say for how many whole steps a sample is shown, such as num_steps=25 "
                "(--steps 25)"
            )
        if not self.dt > 0:
            raise ValueError(f"dt is the length of a step in seconds, above 0, got {self.dt}")


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a deployed network comes from: its floating graph, what became of each layer, on what it was chosen."""

    graph: FloatGraph
    layers: tuple[LayerReport, ...]
    calibration: str

    def run(self, spec: NetworkSpec, x: ArrayLike) -> list[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
        """Spikes and membranes (in the chip's units), [time, batch, neuron] by layer, of the floating network."""
        shown, _ = frames(self.graph, x, spec.num_steps, spec.input_bits, spec.encoding)
        record = simulate(self.graph, shown)
        return [
            (record.spikes[one.name].numpy(), record.membranes[one.name].numpy() * report.units)
            for one, report in zip(self.graph.neurons, self.layers, strict=True)
        ]

    @property
    def by_membrane(self) -> bool:
        """Whether the output never spikes, so that its membrane is the answer."""
        return self.graph.neurons[-1].threshold is None


def graph_of(source: Any, input_shape: tuple[int, ...] | None = None, dt: float = 1e-4) -> FloatGraph:
    """The floating-point graph of an snnTorch module, a NIR graph, or a ``.nir`` file.

    Raises ValueError naming the layer or node that has no place on the chip and what works instead.
    """
    if isinstance(source, FloatGraph):
        return source
    if isinstance(source, nn.Module):
        from neuromorph.importers.modules import from_module

        return from_module(source, input_shape)
    try:
        from neuromorph.importers.nir_graph import from_graph, nir
    except ImportError:
        if Path(str(source)).suffix == ".nir":
            raise
        nir = None
    if isinstance(source, str | PathLike) or (nir is not None and isinstance(source, nir.NIRGraph)):
        return from_graph(source, dt)
    raise ValueError(
        f"a {type(source).__name__} cannot be deployed: give a SpikingBNN, an snnTorch module, a NIR graph or file, or "
        "a lava.NetworkSpec"
    )


def translate(source: Any, settings: Settings, data: ArrayLike | None = None) -> Deployment:
    """Import, quantise and deploy. ``data``: calibration samples as ``Deployment.run`` takes them; random without.

    Raises ValueError naming the layer or node that has no place on the chip and what works instead.
    """
    graph = graph_of(source, settings.input_shape, settings.dt)
    how = settings.num_steps, settings.input_bits, settings.encoding
    words = "random input, because no data were given"
    if data is None:
        data = _random(reader(graph, *how))
    else:
        data = np.asarray(data, np.float32)
        words = f"{data.shape[1 if settings.encoding == 'raster' else 0]} samples"
    spec, layers = quantise(graph, data, *how, Choice(settings.weight_bits, settings.scales))
    return Deployment(spec, Origin(graph, layers, words))


def _random(spec: NetworkSpec) -> NDArray[np.float32]:
    rng = generator("calibration samples", 0)
    if spec.encoding != "raster":
        return rng.random((RANDOM_SAMPLES, spec.sizes[0]), dtype=np.float32)
    shape = (spec.num_steps, RANDOM_SAMPLES, spec.sizes[0])
    return (rng.random(shape, dtype=np.float32) < RANDOM_RATE).astype(np.float32)


def own(path: Path) -> NetworkSpec | None:
    """The integer network of a NIR file that this project wrote, number for number; None for another."""
    from neuromorph import nir as ours
    from neuromorph.importers.nir_graph import read_nodes

    try:
        return ours.read(path)
    except ValueError:
        read_nodes(path)  # a damaged file says so, before anything is asked about a network
        return None


def load_module(path: Path, model: str) -> nn.Module:
    """``model`` = "module:Class", made without arguments, with the state that ``path`` holds (``torch.save``).

    Raises ValueError for another form, a class that cannot be made so, or a state that does not fit it.
    """
    home, _, name = model.partition(":")
    if not home or not name:
        raise ValueError(f"--model {model!r}: say module:Class, for example nets:TutorialNet of nets.py in this folder")
    sys.path.insert(0, "")
    try:
        made = vars(importlib.import_module(home))[name]()
    except (ImportError, KeyError, TypeError) as error:
        raise ValueError(f"--model {model!r} cannot be made, without arguments, of a module here: {error}") from error
    finally:
        sys.path.remove("")
    if not isinstance(made, nn.Module):
        raise ValueError(f"--model {model!r}: {name} is no torch.nn.Module")
    state: Any = None
    try:
        state = torch.load(path, weights_only=True)
        made.load_state_dict(state)
    except Exception as error:  # torch and pickle raise a dozen kinds for a damaged file
        reason = " ".join(str(error).split())[:300]
        inner = [key for key, one in state.items() if isinstance(one, dict)] if isinstance(state, dict) else []
        if inner:
            reason = f"it holds {', '.join(map(str, state))}; save what is in {inner[0]!r} alone"
        raise ValueError(f"{path} holds no state of {name} (torch.save(net.state_dict(), ...)): {reason}") from error
    return made
