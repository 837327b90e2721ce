"""Files written whole or not at all, also when several processes write the same one or the machine stops."""

import glob
import io
import json
import math
import os
import platform
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

MACHINE = re.sub(r"[^A-Za-z0-9]+", "_", platform.node()) or "machine"


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place when the block ends without an error.

    No other call has that name, so the last of several writers wins and nobody's file is torn or lost. What it holds
    is on the disk before it takes the place. Temporary files for ``path`` of processes of this machine that have ended
    are removed. Raises ``OSError``, naming ``path``, where it cannot be written, or is a folder or a device: that of
    ``/dev/null`` is not to be replaced by a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file that can be written: choose another name.")
    _clean(path)
    unfinished = _temporary(path)
    try:
        yield unfinished
        _to_disk(unfinished)
        os.replace(unfinished, path)
        _to_disk(path.parent)
    except OSError as error:  # the system names no file, or the temporary one, which says nothing to a user
        if error.errno is None or str(error.filename) not in ("None", str(unfinished)):  # it may be a Path
            raise
        raise OSError(error.errno, error.strerror or os.strerror(error.errno), str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def try_writing(path: str | os.PathLike) -> None:
    """Make a file beside ``path`` as ``replacing`` does, and remove it.

    Raises ``OSError`` where that is impossible, which permissions do not tell: too long a name, /proc.
    """
    path = Path(path)
    _clean(path)
    unfinished = _temporary(path)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    unfinished.unlink()


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write JSON atomically, two spaces of indent, NaN refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The bytes of a compressed .npz: numpy's own writer into a file prints a traceback where the disk is full."""
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)
    return whole.getvalue()


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, Any]) -> None:
    """Write arrays as a compressed .npz, whole or not at all."""
    content = packed(arrays)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def finite(content: Any) -> Any:
    """``content`` for JSON, which has no NaN and no infinity: None in their place."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_json(path: str | os.PathLike, keys: Sequence[str], advice: str) -> dict[str, Any]:
    """The object in a JSON file, which has ``keys``.

    Raises ``ValueError`` for a file that is damaged, cut off or another one; its sentence ends with ``advice``.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged or no JSON: {advice}") from error
    missing = [key for key in keys if key not in content] if isinstance(content, dict) else list(keys)
    if missing or not isinstance(content, dict):
        raise ValueError(f"{path} is another file, or damaged: it lacks {', '.join(missing) or 'everything'}; {advice}")
    return content


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{MACHINE}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


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
