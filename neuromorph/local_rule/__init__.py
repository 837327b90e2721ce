"""Local learning rules of one spiking layer and their input codes, in numpy, the same on every substrate."""
