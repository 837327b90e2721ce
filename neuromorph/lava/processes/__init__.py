"""Lava processes of this project: numpy only, light and without side effects, since Lava executes every file here."""
