"""Data sets: from scikit-learn, from files, or downloaded and checked."""

from neuromorph.data.events import frames
from neuromorph.data.features import features
from neuromorph.data.idx import read_idx
from neuromorph.data.labelled import Data, Pair, digest_of
from neuromorph.data.own import from_dataset
from neuromorph.data.sets import load, names

__all__ = ["Data", "Pair", "digest_of", "features", "frames", "from_dataset", "load", "names", "read_idx"]
