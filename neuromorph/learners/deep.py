"""The deep spiking binarized network as a boundary-free learner.

One ``SpikingBNN`` and one ``Metaplastic`` optimiser for the whole stream: cross entropy of the network's read-out
(by default output spike count plus mean membrane over threshold), one step per mini-batch, nothing ever reset. A batch
norm, if asked for, has one state for the whole stream; ``predict`` runs it in evaluation mode.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from fusi_models.catalogue import DEEP, parse
from neuromorph.learners.composed import NetworkLearner
from neuromorph.snn import Consolidated, Convolution, Metaplastic, NetworkConfig, SpikingBNN
from neuromorph.snn.device import checked_device
from neuromorph.snn.weights import SIGNS, WeightsConfig


@dataclass(frozen=True)
class DeepConfig:
    """Every choice of a ``DeepLearner``; see ``snn.NetworkConfig`` for the network's, ``snn.Metaplastic`` for the rest.

    sizes: features, hidden layers, classes; for event frames (encoding "raster") the features of one step, and samples
    are [n, num_steps, ...]. m: 0 protects nothing; by default it is ``relative`` to the layer's mean hidden weight, and
    the optimiser's ``variance`` is the layer's, so that one m serves short and long training. betas: Adam's; the second
    is below the usual 0.999: the gradient grows five- to tenfold where the data change, and old variance makes its
    steps too long. logit_scale: inverse temperature of the softmax. synapse: a model of
    ``fusi_models.catalogue.DEEP`` in words, "hidden:m=25,leak=0.001" or "benna-fusi:levels=6", that the optimiser's
    step drives (``snn.Consolidated``) in place of ``Metaplastic``; m, relative and weight_decay then say nothing.
    batch: mini-batch of an update. seed: draws the weights.
    """

    sizes: tuple[int, ...] = (64, 200, 200, 10)
    m: float = 4.0
    lr: float = 0.005
    batch: int = 50
    num_steps: int = 6
    beta: float = 0.9
    gains: tuple[float, ...] = ()
    input_bits: int = 4
    init: float = 0.05
    encoding: str = "current"
    image: tuple[int, ...] = ()
    convolutions: tuple[Convolution, ...] = ()
    readout: str = "count+membrane"
    norm: str = "none"
    fast: bool | None = None
    weights: WeightsConfig = SIGNS
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.0
    relative: bool = True
    variance: str = "layer"
    logit_scale: float = 1.0
    synapse: str = ""
    seed: int = 0
    device: str = "cpu"


class DeepLearner(NetworkLearner):
    """Learns a stream with one optimiser; ``config.m`` > 0 protects hidden weights, ``config.m`` = 0 does not.

    Boundary-free: cutting the same samples into other ``partial_fit`` calls, at multiples of ``config.batch``, leaves
    the same bits. Attributes: ``config``, ``network``, ``optimiser``. Raises ValueError for impossible settings.
    """

    network: SpikingBNN

    def __init__(self, config: DeepConfig | None = None):
        self.config = config = config or DeepConfig()
        super().__init__(config.batch, config.device)
        options = {field.name: getattr(config, field.name) for field in fields(NetworkConfig)}
        generator = torch.Generator().manual_seed(config.seed)
        self.network = SpikingBNN(**options, generator=generator).to(checked_device(config.device))
        self.optimiser = _optimiser(self.network, config)

    @property
    def description(self) -> str:
        return f"DeepLearner {self.config}"

    @property
    def shape(self) -> tuple[int, ...]:
        config = self.network.config
        return (config.num_steps, config.sizes[0]) if config.encoding == "raster" else config.sizes[:1]

    @property
    def classes(self) -> int:
        return self.network.config.sizes[-1]

    def _scores(self, images: Tensor) -> Tensor:
        shown = images.movedim(1, 0) if images.dim() == 3 else images  # a raster is time first
        return self.network.readout(*self.network(shown))

    def _loss(self, images: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(self.config.logit_scale * self._scores(images), targets)

    def _identity(self) -> dict[str, Any]:
        """The configuration as numbers and lists, without the device: a state may go on elsewhere."""
        settings = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.config).items()}
        settings["convolutions"] = [list(astuple(c)) for c in self.network.config.convolutions]
        return {"config": {name: value for name, value in settings.items() if name != "device"}}

    def _check_identity(self, state: dict[str, Any]) -> None:
        ours = self._identity()["config"]
        differing = [name for name in ours if state["config"].get(name) != ours[name]]
        if differing:
            raise ValueError(f"the state was saved with another {', '.join(differing)}; use the same configuration")


def _optimiser(network: SpikingBNN, config: DeepConfig) -> torch.optim.Optimizer:
    parameters = network.parameters()
    if config.synapse:
        synapse = parse(config.synapse, DEEP)
        return Consolidated(parameters, synapse, config.lr, config.betas, config.eps, variance=config.variance)
    return Metaplastic(
        parameters,
        lr=config.lr,
        m=config.m,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
        relative=config.relative,
        variance=config.variance,
        compiled=bool(config.fast),
    )
