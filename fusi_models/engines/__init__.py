"""How populations of synapses are simulated, one file an engine."""
