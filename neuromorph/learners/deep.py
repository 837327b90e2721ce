"""The deep spiking binarized network as a boundary-free learner.

One ``SpikingBNN`` and one ``Metaplastic`` optimiser for the whole stream: cross entropy of the network's read-out
(by default output spike count plus mean membrane over threshold), one step per mini-batch, nothing ever reset. A batch
norm, if asked for, has one state for the whole stream; ``predict`` runs it in evaluation mode.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fusi_models.catalogue import DEEP, parse
from neuromorph.run import Learner
from neuromorph.snn import Consolidated, Convolution, Metaplastic, NetworkConfig, SpikingBNN
from neuromorph.snn.device import checked_device

PREDICT_BATCH = 1000  # samples at a time, which bounds the memory of the recorded membranes


@dataclass(frozen=True)
class DeepConfig:
    """Every choice of a ``DeepLearner``; see ``snn.NetworkConfig`` for the network's, ``snn.Metaplastic`` for the rest.

    sizes: features, hidden layers, classes; for event frames (encoding "raster") the features of one step, and samples
    are [n, num_steps, ...]. m: 0 protects nothing; by default it is ``relative`` to the layer's mean hidden weight, and
    the optimiser's ``variance`` is the layer's, so that one m serves short and long training. logit_scale: inverse
    temperature of the softmax. synapse: a model of ``fusi_models.catalogue.DEEP`` in words, "hidden:m=25,leak=0.001" or
    "benna-fusi:levels=6", that the optimiser's step drives (``snn.Consolidated``) in place of ``Metaplastic``; m,
    relative and weight_decay then say nothing. batch: mini-batch of an update. seed: draws the weights.
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
    fast: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    relative: bool = True
    variance: str = "layer"
    logit_scale: float = 1.0
    synapse: str = ""
    seed: int = 0
    device: str = "cpu"


class DeepLearner(Learner):
    """Learns a stream with one optimiser; ``config.m`` > 0 protects hidden weights, ``config.m`` = 0 does not.

    Boundary-free: cutting the same samples into other ``partial_fit`` calls, at multiples of ``config.batch``, leaves
    the same bits. Attributes: ``config``, ``network``, ``optimiser``. Raises ValueError for impossible settings.
    """

    def __init__(self, config: DeepConfig | None = None):
        self.config = config = config or DeepConfig()
        self.batch_size = config.batch
        if config.batch < 1:
            raise ValueError(f"batch must be at least 1, got {config.batch}")
        options = {field.name: getattr(config, field.name) for field in fields(NetworkConfig)}
        generator = torch.Generator().manual_seed(config.seed)
        self.network = SpikingBNN(**options, generator=generator).to(checked_device(config.device))
        self.optimiser = _optimiser(self.network, config)

    @property
    def description(self) -> str:
        return f"DeepLearner {self.config}"

    def partial_fit(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n] (classes from 0), in this order, one step per mini-batch.

        A rest shorter than a mini-batch is learned as one smaller one. Raises ValueError for wrong shapes, values or
        labels, before anything is learned.
        """
        images, labels = self._images(x), np.asarray(y)
        classes = self.config.sizes[-1]
        if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"y must hold {len(images)} integer labels, got {labels.dtype} of shape {labels.shape}")
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()} to {labels.max()}")
        targets = torch.from_numpy(labels.astype(np.int64)).to(self.config.device)
        self.network.train()
        for some, wanted in zip(images.split(self.config.batch), targets.split(self.config.batch), strict=True):
            if len(some):
                loss = functional.cross_entropy(self.config.logit_scale * self._scores(some), wanted)
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()

    @torch.no_grad()
    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most likely class of each x [n, ...], int64 [n]; independent of the other samples."""
        self.network.eval()
        scores = [self._scores(some) for some in self._images(x).split(PREDICT_BATCH)]
        return torch.cat(scores).argmax(1).cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything needed to go on bit by bit; loads with ``torch.load(weights_only=True)``."""
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        return {"config": self._settings(), **copy.deepcopy(state)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; raises ValueError when it was saved with another configuration."""
        ours = self._settings()
        differing = [name for name in ours if state["config"].get(name) != ours[name]]
        if differing:
            raise ValueError(f"the state was saved with another {', '.join(differing)}; use the same configuration")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # torch would share the tensors

    def _scores(self, images: torch.Tensor) -> torch.Tensor:
        shown = images.movedim(1, 0) if images.dim() == 3 else images  # a raster is time first
        return self.network.readout(*self.network(shown))

    def _settings(self) -> dict[str, Any]:
        """The configuration as numbers and lists, without the device: a state may go on elsewhere."""
        settings = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.config).items()}
        settings["convolutions"] = [list(astuple(c)) for c in self.network.config.convolutions]
        return {name: value for name, value in settings.items() if name != "device"}

    def _images(self, x: NDArray[np.float32]) -> torch.Tensor:
        values = np.asarray(x, dtype=np.float32)
        shape: tuple[int, ...] = self.config.sizes[:1]
        if self.network.config.encoding == "raster":
            shape = (self.config.num_steps, *shape)
        if values.ndim < 2 or math.prod(values.shape[1:]) != math.prod(shape):
            raise ValueError(
                f"x must hold {' x '.join(map(str, shape))} features a sample, [n, ...], got shape {list(values.shape)}"
            )
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("x must lie in [0, 1] without NaN; scale the pixels by their largest value")
        return torch.from_numpy(np.ascontiguousarray(values)).reshape(len(values), *shape).to(self.config.device)


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
        compiled=config.fast,
    )
