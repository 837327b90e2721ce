"""A synapse of your own from a file: an .npz with the arrays of a ``MarkovSynapse``."""

import zipfile
from pathlib import Path

import numpy as np

from fusi_models.models.markov import MarkovSynapse

ARRAYS = ("potentiation", "depression", "strength")


def load_synapse(path: str | Path, f_pot: float = 0.5) -> MarkovSynapse:
    """The chain in ``path``, an .npz with potentiation, depression [state, state] and strength [state].

    Raises ``OSError`` for a file that cannot be read, ``ValueError`` for one that is no such archive.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no .npz archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                missing = [name for name in ARRAYS if name not in stored.files]
                if missing:
                    raise ValueError(f"it lacks the array {', '.join(missing)}")
                potentiation, depression, strength = (np.asarray(stored[name], float) for name in ARRAYS)
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        reason = " ".join(str(error).split()).strip("'\". ")
        raise ValueError(
            f"{path} holds no synapse ({reason}): save one with numpy.savez(path, potentiation=..., depression=..., "
            "strength=...)."
        ) from error
    return MarkovSynapse(potentiation, depression, strength, f_pot, path.stem)
