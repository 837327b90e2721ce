"""The only file format of state: what was saved for one run is not taken for another's, nor damaged, nor half written.

A file is a dict written by ``torch.save``, without a class, so that ``torch.load(weights_only=True)`` reads it on any
machine: ``schema`` (number of this description), ``fingerprint`` (what the run was, by part), ``digest`` (SHA-256 of
the rest) and the content's own keys. Tensors are saved from the CPU, wherever they were.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.atomic import replacing

SCHEMA = 1
OWN = ("schema", "fingerprint", "digest")


def unfinished(path: str | os.PathLike) -> Path:
    """Where a run that will write ``path`` keeps what it has: the whole name counts, ``m=2.5`` is not ``m=2.7``."""
    path = Path(path)
    return path.with_name(path.name + ".unfinished")


def save_checkpoint(path: str | os.PathLike, content: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> None:
    """Write ``content`` (dicts and lists of numbers, texts, arrays and tensors), whole or not at all.

    ``fingerprint``: a text or number for each part of a run that must agree for the content to be of use.
    """
    import torch

    kept = {key: _plain(value) for key, value in content.items()}
    head = {"schema": SCHEMA, "fingerprint": dict(fingerprint), "digest": _digest(kept)}
    whole = io.BytesIO()  # torch's own writer answers a full disk with a RuntimeError about its archive
    torch.save(head | kept, whole)
    with replacing(path) as temporary:
        temporary.write_bytes(whole.getbuffer())


def load_checkpoint(path: str | os.PathLike, fingerprint: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What ``save_checkpoint`` wrote: its content, tensors on the CPU, and ``fingerprint``.

    Raises ``ValueError`` for a file that is none or is damaged, of another schema, or, where ``fingerprint`` is given,
    of another run, naming what differs; ``OSError`` where it cannot be opened.
    """
    import torch

    advice = "give another file" if fingerprint is None else "delete it to start anew"
    with open(path, "rb") as file:
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ValueError(
                f"The checkpoint {path} cannot be read ({type(error).__name__}: no checkpoint, or cut off): {advice}."
            ) from error
    if not isinstance(content, dict) or not set(OWN) <= content.keys():
        raise ValueError(f"{path} is no checkpoint, or one of an earlier version: {advice}.")
    if content["schema"] != SCHEMA:
        raise ValueError(
            f"The checkpoint {path} has schema {content['schema']}, and this version reads {SCHEMA}: use the version "
            f"that wrote it, or {advice}."
        )
    kept = {key: value for key, value in content.items() if key not in OWN}
    if _digest(kept) != content["digest"]:
        raise ValueError(f"The checkpoint {path} is damaged (its content has another digest): {advice}.")
    found = content["fingerprint"]
    if fingerprint is not None and found != fingerprint:
        differing = [key for key in fingerprint if key not in found or found[key] != fingerprint[key]]
        raise ValueError(
            f"The checkpoint {path} belongs to another run (it differs in {', '.join(differing) or 'its parts'}): "
            "delete it or choose another folder."
        )
    return kept | {"fingerprint": found}


def _plain(value: Any) -> Any:
    """Arrays and tensors as tensors on the CPU, sequences as lists, numpy's numbers as Python's."""
    import torch

    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    return value.item() if isinstance(value, np.generic) else value


def _digest(content: Any) -> str:
    found = hashlib.sha256()
    _hash(content, found)
    return found.hexdigest()


def _hash(value: Any, found: Any) -> None:
    """Everything is preceded by its kind and length, so that two contents do not give the same bytes."""
    import torch

    if isinstance(value, dict):
        found.update(f"dict {len(value)} ".encode())
        for key, one in value.items():
            _hash(key, found)
            _hash(one, found)
    elif isinstance(value, (list, tuple)):
        found.update(f"list {len(value)} ".encode())
        for one in value:
            _hash(one, found)
    elif isinstance(value, torch.Tensor):
        found.update(f"tensor {value.dtype} {tuple(value.shape)} ".encode())
        found.update(value.contiguous().flatten().view(torch.uint8).numpy())
    else:
        text = f"{type(value).__name__} {value!r}"
        found.update(f"{len(text)} {text} ".encode())
