"""Networks of such synapses."""
