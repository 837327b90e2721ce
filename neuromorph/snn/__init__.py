"""Binarized spiking networks for snnTorch users: binary layers, the chip's neuron, the metaplastic optimiser.

Each name is loaded, with torch, when first used.
"""

from typing import TYPE_CHECKING, Any

from neuromorph.lazy import attribute

if TYPE_CHECKING:
    from neuromorph.snn.ensemble import Ensemble
    from neuromorph.snn.fine_tuning import chip_aware, settled
    from neuromorph.snn.layers import BinaryConv2d, BinaryLinear, binarize
    from neuromorph.snn.network import Convolution, NetworkConfig, SpikingBNN
    from neuromorph.snn.neuron import ChipLeaky
    from neuromorph.snn.optim.consolidated import Consolidated
    from neuromorph.snn.optim.metaplastic import Metaplastic

__all__ = [
    "BinaryConv2d",
    "BinaryLinear",
    "ChipLeaky",
    "Consolidated",
    "Convolution",
    "Ensemble",
    "Metaplastic",
    "NetworkConfig",
    "SpikingBNN",
    "binarize",
    "chip_aware",
    "settled",
]

_HOME = {
    "BinaryConv2d": "layers",
    "BinaryLinear": "layers",
    "binarize": "layers",
    "chip_aware": "fine_tuning",
    "settled": "fine_tuning",
    "ChipLeaky": "neuron",
    "Consolidated": "optim.consolidated",
    "Convolution": "network",
    "Ensemble": "ensemble",
    "Metaplastic": "optim.metaplastic",
    "NetworkConfig": "network",
    "SpikingBNN": "network",
}


def __getattr__(name: str) -> Any:
    return attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
