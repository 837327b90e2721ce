import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data sets: ``NEUROMORPH_DATA``, else shared/data beside the checkout; skips without one."""
    folder = Path(os.environ.get("NEUROMORPH_DATA") or Path(__file__).parents[2] / "shared/data")
    if not folder.is_dir():
        pytest.skip("no folder of data sets: set NEUROMORPH_DATA")
    return folder


@pytest.fixture
def no_network(monkeypatch):
    """Every download fails."""
    import pooch

    def refuse(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(pooch, "retrieve", refuse)
