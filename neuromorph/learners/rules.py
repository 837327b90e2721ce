"""Step rules as configurations: what a learner's optimiser is, without the parameters that it moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Protocol, final

from torch import Tensor
from torch.optim import Optimizer

from fusi_models.catalogue import DEEP, parse
from neuromorph.snn.optim.beakers import Beakers
from neuromorph.snn.optim.consolidated import Consolidated
from neuromorph.snn.optim.metaplastic import Metaplastic


class Rule(Protocol):
    """A frozen dataclass that builds an optimiser."""

    def build(self, params: Iterable[Tensor]) -> Optimizer:
        """The optimiser of these parameters, which remembers nothing."""


@final
@dataclass(frozen=True)
class Metaplasticity:
    """The arguments of ``snn.Metaplastic``, by default the published rule.

    >>> Metaplasticity(m=1.35).weight_decay
    1e-07
    """

    m: float = 0.0
    """Metaplasticity in 1/|W_h|, or where ``relative`` in 1/mean|W_h|; 0 protects nothing."""
    lr: float = 0.005
    """Learning rate, in units of the hidden weight a step."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of Adam's two means, a step."""
    eps: float = 1e-8
    """Added to the root-mean-square gradient."""
    weight_decay: float = 1e-7
    """Decay of the hidden weights, added to the gradient."""
    relative: bool = False
    """Count m in units of 1 / mean|W_h| of the layer."""
    variance: str = "weight"
    """Whose root-mean-square gradient divides a step: "weight" or "layer"."""
    published_eps: bool = True
    """eps enters before the bias correction of the variance."""
    compiled: bool = False
    """The update as one kernel."""
    levels: int = 2
    """Of quantised weights (``snn.memristor``); m is then in units of 2 / (distance of two levels)."""
    reach: float = 1.0
    """Hidden weight of the outermost level."""

    def build(self, params: Iterable[Tensor]) -> Optimizer:
        """The optimiser of these parameters."""
        return Metaplastic(params, **asdict(self))


@final
@dataclass(frozen=True)
class BeakerChain:
    """The arguments of ``snn.optim.beakers.Beakers``.

    >>> len(BeakerChain().areas)
    4
    """

    m: float = 0.0
    """Metaplasticity of the last beaker, in 1/|u|."""
    lr: float = 0.005
    """Learning rate, in units of the hidden weight a step."""
    couplings: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5)
    """g of each beaker to the next, a step."""
    areas: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """A of each beaker."""
    feedback: float = 5e-3
    """From the last beaker to the first, a step."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of Adam's two means, a step."""
    eps: float = 1e-8
    """Added to the root-mean-square gradient."""
    weight_decay: float = 1e-7
    """Decay of the hidden weights, added to the gradient."""

    def build(self, params: Iterable[Tensor]) -> Optimizer:
        """The optimiser of these parameters."""
        return Beakers(params, **asdict(self))


@final
@dataclass(frozen=True)
class Driven:
    """The arguments of ``snn.Consolidated``: Adam's step drives a synapse model.

    >>> Driven("benna-fusi:levels=6").variance
    'layer'
    """

    synapse: str = "hidden"
    """A model of ``fusi_models.catalogue.DEEP`` in words."""
    lr: float = 0.005
    """Size of a step, in units of the hidden weight."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Of Adam's two means, a step."""
    eps: float = 1e-8
    """Added to the root-mean-square gradient."""
    variance: str = "layer"
    """Whose root-mean-square gradient divides a step: "weight" or "layer"."""

    def build(self, params: Iterable[Tensor]) -> Optimizer:
        """The optimiser of these parameters. Raises ValueError for a synapse that no step can drive."""
        synapse = parse(self.synapse, DEEP)
        return Consolidated(params, synapse, self.lr, self.betas, self.eps, variance=self.variance)
