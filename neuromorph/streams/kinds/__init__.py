"""Kinds of streams, a file each; ``neuromorph.streams.words`` finds by listing this folder what ``KINDS`` names."""
