"""Step rules, one file each."""

from neuromorph.snn.optim.metaplastic import Metaplastic

__all__ = ["Metaplastic"]
