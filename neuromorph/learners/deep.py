"""The deep spiking binarized network as a learner.

One ``SpikingBNN`` and one ``Metaplastic`` optimiser for the whole stream: cross entropy of the network's read-out
(by default output spike count plus mean membrane over threshold), one step per mini-batch, nothing ever reset. A batch
norm, if asked for, has one state for the whole stream; ``predict`` runs it in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any, cast

from neuromorph.learner import as_state, check_kind, described
from neuromorph.learners import parts as catalogue
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Driven, Metaplasticity, Rule
from neuromorph.snn.network import NetworkConfig, SpikingBNN
from neuromorph.snn.parts import PartConfig


@dataclass(frozen=True)
class _Foremost:
    """The choices that are made first, in the order in which they may be given without names."""

    sizes: tuple[int, ...] = (64, 200, 200, 10)
    """Features, hidden layers, classes; of event frames (encoding "raster") the features of one step, and samples are
    [n, num_steps, ...]."""
    m: float = 4.0
    """Metaplasticity in 1 / mean|W_h| of the layer (1/|W_h| unless ``relative``); 0 protects nothing."""
    lr: float = 0.005
    """Learning rate, in units of the hidden weight a step."""
    batch: int = 50
    """Samples of an update."""


@dataclass(frozen=True)
class DeepConfig(NetworkConfig, _Foremost):
    """Every choice of a ``DeepLearner``: those of ``snn.NetworkConfig``, and how it learns.

    By default m is ``relative`` to the layer's mean hidden weight and the optimiser's ``variance`` is the layer's, so
    that one m serves short and long training. Raises ValueError for what the chip cannot hold, and unknown parts.

    >>> DeepConfig((64, 100, 10), m=2.0, parts=("ewc:strength=100",)).num_steps
    6
    """

    sizes: tuple[int, ...] = _Foremost.sizes
    num_steps: int = 6
    """Steps of a sample."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam's, a step; the second is below the usual 0.999: the gradient grows five- to tenfold where the data change,
    and old variance makes its steps too long."""
    eps: float = 1e-8
    """Added to the root-mean-square gradient."""
    weight_decay: float = 0.0
    """Decay of the hidden weights, added to the gradient."""
    relative: bool = True
    """Count m in units of 1 / mean|hidden weight| of the layer; otherwise m must match the length of training."""
    variance: str = "layer"
    """What Adam divides a step by: the root-mean-square gradient of the "layer", or of each "weight"."""
    logit_scale: float = 1.0
    """Inverse temperature of the softmax, without a unit."""
    synapse: str = ""
    """A model of ``fusi_models.catalogue.DEEP`` in words, "hidden:m=25,leak=0.001" or "benna-fusi:levels=6", that the
    optimiser's step drives (``snn.Consolidated``); m, relative and weight_decay then say nothing."""
    seed: int = 0
    """Draws the initial weights."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""
    parts: tuple[PartConfig | str, ...] = ()
    """What is added, in this order: configurations, or words as in ``learners.parts``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", catalogue.settled(self.parts))
        _ = self.training  # which refuses impossible choices; ours are kept as they were given

    @property
    def network(self) -> NetworkConfig:
        """The network's choices alone."""
        return NetworkConfig(**{field.name: getattr(self, field.name) for field in fields(NetworkConfig)})

    @property
    def rule(self) -> Rule:
        """The optimiser: ``Metaplastic``, or a synapse model that Adam's step drives."""
        if not isinstance(self.synapse, str):
            raise ValueError(f"synapse must be a model in words, or '' for none, got {self.synapse!r:.80}.")
        if self.synapse:
            return Driven(self.synapse, self.lr, self.betas, self.eps, self.variance)
        chosen = {f.name: getattr(self, f.name) for f in fields(Metaplasticity) if f.name in self.__dataclass_fields__}
        return Metaplasticity(**chosen, published_eps=False, compiled=bool(self.fast))

    @property
    def training(self) -> TrainingConfig:
        """The same as a composition."""
        shared = {f.name: getattr(self, f.name) for f in fields(TrainingConfig)}
        return TrainingConfig(**shared)


class DeepLearner(ComposedLearner):
    """Learns a stream with one optimiser; ``config.m`` > 0 protects hidden weights, ``config.m`` = 0 does not.

    Without parts boundary-free: cutting the same samples into other ``partial_fit`` calls, at multiples of
    ``config.batch``, leaves the same bits. Attributes: ``config``, ``network``, ``optimiser``, ``parts``. Raises
    ValueError for impossible settings.
    """

    network: SpikingBNN

    def __init__(self, config: DeepConfig | None = None):
        config = DeepConfig() if config is None else config
        check_kind("config", config, DeepConfig)
        super().__init__(config.training)
        self.config: DeepConfig = config
        if config.convolutions:  # wide, whatever follows them
            self.threads = 0

    @property
    def description(self) -> str:
        return described(type(self).__name__, **self._settings())

    def _settings(self) -> dict[str, Any]:
        """The whole configuration without the device: a state may go on elsewhere."""
        return {f.name: getattr(self.config, f.name) for f in fields(DeepConfig) if f.name != "device"}

    def _identity(self) -> dict[str, Any]:
        """The settings as numbers, words and lists, from which ``DeepConfig(**settings)`` is made again."""
        settings = {name: list(v) if isinstance(v, tuple) else v for name, v in self._settings().items()}
        settings["convolutions"] = [list(astuple(c)) for c in self.network.config.convolutions]
        parts = cast("tuple[PartConfig, ...]", self.config.parts)
        settings["parts"] = [catalogue.words(part) or described("", part=part) for part in parts]
        default = settings.pop("weights", None) == DeepConfig.__dataclass_fields__["weights"].default
        return {"config": settings if default else {**settings, "weights": described("", form=self.config.weights)}}

    def check_saved(self, state: Mapping[str, Any]) -> None:
        ours, theirs = self._identity()["config"], as_state(state).get("config")
        if not isinstance(theirs, Mapping):
            raise ValueError(f"the state was saved by {state.get('description', 'something else')}, not by this class.")
        differing = sorted(name for name in ours.keys() | theirs.keys() if theirs.get(name) != ours.get(name))
        if differing:
            raise ValueError(f"the state was saved with another {', '.join(differing)}; use the same configuration")
