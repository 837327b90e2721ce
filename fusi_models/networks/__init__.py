"""Memories in recurrent networks of binary neurons: storing patterns, and recalling them from a cue."""
