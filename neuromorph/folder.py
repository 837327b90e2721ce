"""A folder of results that belongs to one command with its arguments: ``config.json`` says which."""

import json
from collections.abc import Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from neuromorph.atomic import write_json
from neuromorph.provenance import provenance


def claim(folder: Path, args: Any, ways: Collection[str], what: str) -> None:
    """Make ``folder`` that of this dataclass of arguments, or find that it is.

    ``ways``: arguments that change no number. ``what``: "comparison", for messages. Raises ``ValueError`` for a folder
    with finished cells of other arguments, ``OSError`` for one that cannot be written.
    """
    config = folder / "config.json"
    mine = json.loads(json.dumps(asdict(args) | {"out": None}, default=str))
    if config.exists() and any((folder / "cells").glob("*")):
        try:
            theirs = json.loads(config.read_text())["arguments"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{config} is not a {what}'s: choose another --out, or delete the folder.") from error
        asked = [f.name for f in fields(args) if f.name not in ways]
        different = [name for name in asked if theirs.get(name) != mine[name]]
        if different:
            raise ValueError(
                f"{folder} holds another {what} (it differs in {', '.join(different)}): "
                "choose another --out, or delete the folder."
            )
        return
    try:
        write_json(config, {"arguments": mine, **provenance(args, ways)})
    except OSError as error:
        raise OSError(f"The folder {folder} cannot be written ({error.strerror}): choose another --out.") from error
