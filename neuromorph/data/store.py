"""Where files of data sets lie: in a named folder, in the user's cache, else on the network; always checked."""

import hashlib
import os
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuromorph.atomic import replacing


def folders(folder: str | os.PathLike | None = None) -> list[Path]:
    """Where to look, in order: ``folder`` or ``NEUROMORPH_DATA``, the cache; the last one is where downloads go.

    Raises ``FileNotFoundError`` where the named folder does not exist.
    """
    import pooch

    named = folder or os.environ.get("NEUROMORPH_DATA")
    if named and not Path(named).is_dir():
        raise FileNotFoundError(
            f"The data folder {named} does not exist: set NEUROMORPH_DATA to the folder that holds MNIST/raw."
        )
    return [Path(p) for p in (named, pooch.os_cache("neuromorph")) if p]


def present(places: Sequence[Path], place: str, file: str) -> bool:
    """Whether one of the folders has the file."""
    return any((folder / place / file).exists() for folder in places)


def find(places: Sequence[Path], place: str, file: str, digest: str, url: str | None) -> Path:
    """The path of a file whose checksum is right, downloaded where it is missing.

    ``digest``: SHA-256, or "md5:" and MD5. ``url``: of the file's folder, or of an archive that has it, or None.
    Raises ``ValueError`` for a file with another checksum, ``FileNotFoundError`` where it cannot be had.
    """
    for folder in places:
        path = folder / place / file
        if path.exists():
            kind, _, value = digest.rpartition(":")
            found = hashlib.new(kind or "sha256", path.read_bytes()).hexdigest()
            if found != value:
                raise ValueError(
                    f"{path} is damaged or another file (checksum {found[:12]}..., expected {value[:12]}...): "
                    "delete it and run again."
                )
            return path
    searched = ", ".join(str(folder / place / file) for folder in places)
    if url is None:
        raise FileNotFoundError(
            f"{place}{file} is missing (looked for {searched}) and cannot be downloaded: set NEUROMORPH_DATA to a "
            "folder that has it."
        )
    source, member = (url, f"gzip/{file}") if url.endswith(".zip") else (url + file, None)
    try:
        return fetch(source, digest, places[-1] / place, file, member)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Looked for: {searched}.") from error


def fetch(url: str, digest: str | None, place: Path, file: str, member: str | None) -> Path:
    """Download ``url`` with a progress bar, or take ``member`` out of the archive there.

    Raises ``FileNotFoundError`` where that fails.
    """
    import pooch

    bar = sys.stderr is not None and sys.stderr.isatty()  # a log gets none
    try:
        if member is None:
            return Path(pooch.retrieve(url, digest, fname=file, path=place, progressbar=bar))
        archive = Path(pooch.retrieve(url, None, fname=Path(url).name, path=place, progressbar=bar))
        try:
            with zipfile.ZipFile(archive) as members, replacing(place / file) as unfinished:
                unfinished.write_bytes(members.read(member))
        except (zipfile.BadZipFile, KeyError, EOFError, zlib.error) as error:
            archive.unlink()  # without a checksum of its own, it would be found again and again
            raise ValueError("the archive is damaged") from error
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"{file} is not on this machine and could not be downloaded ({type(error).__name__}): put it into "
            f"{place}, or set NEUROMORPH_DATA to a folder that has it, or use the embedded set 'digits'."
        ) from error
    return find([place], "", file, digest or "", None)


def read_npz(path: str | os.PathLike, names: Sequence[str], advice: str) -> list[np.ndarray]:
    """The arrays of an npz file by name.

    Raises ``ValueError`` for another kind of file, a damaged one, or one that lacks an array; its sentence ends with
    ``advice``. Raises ``FileNotFoundError`` where there is none, ``PermissionError`` where it may not be read.
    """
    try:
        stored = np.load(path)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # numpy and zipfile raise a dozen kinds for a damaged file
        raise ValueError(f"{path} is no readable npz file of numbers ({_reason(error)}): {advice}") from error
    if not isinstance(stored, np.lib.npyio.NpzFile):
        raise ValueError(f"{path} is a single array and no npz file: {advice}")
    with stored:
        missing = [name for name in names if name not in stored.files]
        if missing:
            raise ValueError(f"{path} lacks an array: {', '.join(missing)}; {advice}")
        try:
            return [np.asarray(stored[name]) for name in names]
        except Exception as error:
            raise ValueError(f"{path} is damaged or cut off ({_reason(error)}): {advice}") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no more is known'}"
