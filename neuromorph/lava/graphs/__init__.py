"""Every wiring of Lava processes, one file a graph."""

TAGS = {"fixed": "fixed_pt", "float": "floating_pt"}
"""Lava's name of an arithmetic: the chip's integers, or floating point."""
