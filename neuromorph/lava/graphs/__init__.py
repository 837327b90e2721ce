"""Every wiring of Lava processes, one file a graph."""
