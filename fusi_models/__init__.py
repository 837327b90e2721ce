"""Models of synapses that protect their memories, and how long they remember.

Importing this package loads numpy only; Brian2 is loaded when ``fusi_models.brian`` is.
"""

from fusi_models.synapse import HiddenWeight, MarkovSynapse, SynapseModel, cascade, plain

__all__ = ["HiddenWeight", "MarkovSynapse", "SynapseModel", "cascade", "plain"]
