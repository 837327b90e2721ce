"""A folder of results that belongs to one command with its arguments: ``config.json`` says which."""

import json
from collections.abc import Collection, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from neuromorph.atomic import read_json, write_json
from neuromorph.outputs import check_folder, check_foreign
from neuromorph.provenance import provenance


def claim(folder: Path, args: Any, ways: Collection[str], what: str, writes: Sequence[str] = ()) -> None:
    """Make ``folder`` that of this dataclass of arguments, or find that it is.

    ``ways``: arguments that change no number. ``what``: "comparison", for messages. ``writes``: what is written beside
    config.json and results.json. Raises ``ValueError`` for a folder with finished cells of other arguments, or with
    somebody's files, ``OSError`` for one that cannot be written.
    """
    config = folder / "config.json"
    check_folder(folder)
    mine = json.loads(json.dumps(asdict(args) | {"out": None}, default=str))
    if config.exists() and any((folder / "cells").glob("*")):
        try:
            theirs = read_json(config, ["arguments"], "")["arguments"]
            theirs = _usual(args) | theirs
        except (ValueError, TypeError) as error:  # null, or no object
            raise ValueError(f"{config} is not a {what}'s: choose another --out, or delete the folder.") from error
        asked = [f.name for f in fields(args) if f.name not in ways]
        different = [name for name in asked if theirs[name] != mine[name]]
        if different:
            raise ValueError(
                f"{folder} holds another {what} (it differs in {', '.join(different)}): "
                "choose another --out, or delete the folder."
            )
        return
    if not (folder / "cells").exists():
        check_foreign(folder, "config.json", ["arguments"], ("config.json", "results.json", *writes))
    try:
        write_json(config, {"arguments": mine, **provenance(args, ways)})
    except OSError as error:
        raise OSError(f"The folder {folder} cannot be written ({error.strerror}): choose another --out.") from error


def _usual(args: Any) -> dict[str, Any]:
    """Of options that an earlier version did not have: what stands for them there is their default."""
    known = {f.name: f.default for f in fields(args) if f.default is not MISSING}
    return dict(json.loads(json.dumps(known, default=str)))


def finished(folder: Path) -> bool:
    """Whether it has a cell, finished or not, that the next call goes on from."""
    return any((folder / "cells").glob("[!.]*"))
