"""Lava processes of this project: numpy only, light and without side effects, since Lava executes every file here."""

from neuromorph.lava import compat as compat  # mends lava's imports before a file of this folder needs them
