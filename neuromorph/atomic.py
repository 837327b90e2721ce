"""Files written whole or not at all, also when several processes write the same one or the machine stops."""

import glob
import json
import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MACHINE = re.sub(r"[^A-Za-z0-9]+", "_", platform.node()) or "machine"


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place when the block ends without an error.

    No other call has that name, so the last of several writers wins and nobody's file is torn or lost. What it holds
    is on the disk before it takes the place. Temporary files for ``path`` of processes of this machine that have ended
    are removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clean(path)
    unfinished = path.with_name(f".{path.stem}.{MACHINE}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield unfinished
        _to_disk(unfinished)
        os.replace(unfinished, path)
        _to_disk(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write JSON atomically, two spaces of indent, NaN refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _to_disk(path: Path) -> None:
    if os.name != "posix" and path.is_dir():  # only there can a folder be opened
        return
    file = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        with suppress(OSError):  # some network file systems refuse; the replacement is whole all the same
            os.fsync(file)
    finally:
        os.close(file)


def _clean(path: Path) -> None:
    """Remove what ended processes of this machine have left beside ``path``."""
    if os.name != "posix":  # elsewhere asking whether a process lives may end it
        return
    start = f".{path.stem}.{MACHINE}-"
    for found in glob.glob(glob.escape(str(path.parent / start)) + "*" + glob.escape(path.suffix)):
        owner = re.fullmatch(r"(\d+)-[0-9a-f]{8}", Path(found).name.removeprefix(start).removesuffix(path.suffix))
        if owner and not _alive(int(owner[1])):
            with suppress(FileNotFoundError):  # another process cleans, too
                os.unlink(found)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
