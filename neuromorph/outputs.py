"""Where a command writes: looked at before anything is computed, and for one run at a time."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from neuromorph.atomic import read_json

PATIENCE = 3.0  # seconds: processes that a killed run has left let go of its lock within one
Ours = Callable[[Path], bool]


def check_file(path: str | os.PathLike[str], ours: Ours) -> None:
    """Whether ``path`` can be written, so that hours of work have somewhere to go.

    ``ours``: whether an existing file is an earlier result of the same kind, which is replaced; any other file is never
    overwritten. Raises ``ValueError`` for a name that is none, a folder, a device or somebody else's file, ``OSError``
    for a folder that cannot be made or written.
    """
    path = Path(path)
    if not path.name:
        raise ValueError(f"--out '{path}' is no name of a file: give one, for example runs/{path.name or 'result'}.")
    if path.is_dir():
        raise ValueError(f"--out {path} is a folder: give the name of a file in it.")
    try:
        if path.exists() and not (path.is_file() and ours(path)):
            raise ValueError(f"--out {path} exists and was not written by this command: choose another --out.")
    except OSError as error:
        raise OSError(f"--out {path} cannot be read ({error.strerror}): choose another --out.") from error
    check_folder(path.parent)


def check_files(out: Path, endings: Sequence[str], keys: Sequence[str], more: Sequence[str] = ()) -> Path:
    """``check_file`` of OUT.json and its like beside it, ``more``: OUT-table.csv; ours where OUT.json has ``keys``.

    Returns OUT, without the ending where it was given with one of them.
    """
    out = out.with_suffix("") if out.suffix.removeprefix(".") in endings else out
    if not out.name:
        raise ValueError(f"--out '{out}' is no name of a file: give one without its ending, for example runs/result.")
    for ending in (*(f".{one}" for one in endings), *more):
        check_file(f"{out}{ending}", lambda path: has_keys(Path(f"{out}.json"), keys))
    return out


def check_folder(folder: Path) -> None:
    """Make ``folder``; raises ``OSError`` where it cannot be made or nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OSError(f"The folder {folder} cannot be written ({error.strerror}): choose another --out.") from error


def check_foreign(folder: Path, marker: str, keys: Sequence[str], names: Sequence[str]) -> None:
    """Raise ``ValueError`` where ``folder`` has files of these ``names``, and ``marker``, which this project writes
    beside them with ``keys``, is not there or another file: they are somebody's, and are not overwritten."""
    found = [name for name in names if (folder / name).exists()]
    if found and not has_keys(folder / marker, keys):
        raise ValueError(
            f"{folder / found[0]} was not written by this command, or {marker} beside it is lost: choose another --out."
        )


def has_keys(path: Path, keys: Sequence[str]) -> bool:
    """Whether a file is JSON with these keys: what tells an earlier result from somebody's file."""
    try:
        read_json(path, keys, "")
    except (ValueError, OSError):
        return False
    return True


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """The only run that writes ``path``, on this machine; raises ``OSError`` where another one does.

    The lock lies beside a file, or in a folder, and goes with the process, however that ends. Where the system or the
    file system has no locks, nothing is locked: files are written whole all the same.
    """
    lock = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    until = time.monotonic() + PATIENCE
    while (held := _locked(lock)) is None and time.monotonic() < until:
        time.sleep(0.1)
    if held is None:
        raise OSError(f"{path} is being written by another run: wait for its end, or choose another --out.")
    try:
        yield
    finally:
        if held >= 0:
            lock.unlink(missing_ok=True)  # before it is let go: nobody locks a file that then vanishes unseen
            os.close(held)


def _locked(lock: Path) -> int | None:
    """The open file that holds the lock, -1 where there are no locks, None where somebody else holds it."""
    try:
        import fcntl
    except ImportError:  # not on this system
        return -1
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.exists() and os.path.samestat(os.fstat(file), os.stat(lock)):
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except OSError:  # some network file systems
            os.close(file)
            return -1
        os.close(file)  # removed between opening and locking by the run that held it
