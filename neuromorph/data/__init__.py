"""Data sets: from scikit-learn, from files, or downloaded and checked."""

from neuromorph.data.sets import Data, Pair, features, frames, load, names, read_idx

__all__ = ["Data", "Pair", "features", "frames", "load", "names", "read_idx"]
