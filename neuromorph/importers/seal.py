"""A digest behind the end of a file, for a format that has none: HDF5 does not look there.

A NIR file is HDF5 without checksums. Whatever rewrites it drops these bytes, and with them the check.
"""

import hashlib
import re
from os import PathLike
from pathlib import Path

WORDS = b"\nneuromorph sha256 %s\n"
LENGTH = len(WORDS % (b"0" * 64))


def sealed(whole: bytes) -> bytes:
    """The bytes of a file with their digest appended."""
    return whole + WORDS % hashlib.sha256(whole).hexdigest().encode()


def check_seal(path: str | PathLike[str]) -> None:
    """Raise ``ValueError`` for a file that differs from what was sealed; one without a seal passes."""
    whole = Path(path).read_bytes()
    found = re.fullmatch(re.escape(WORDS).replace(b"%s", b"([0-9a-f]{64})"), whole[-LENGTH:])
    if found and hashlib.sha256(whole[:-LENGTH]).hexdigest().encode() != found[1]:
        raise ValueError(f"{path} is damaged, or was changed by hand: write it again.")
