"""A data directory that is ready to be started, without creating a cluster for every test."""

import subprocess
from pathlib import Path

import pytest

from habitue.store.embedded import attach
from habitue.store.embedded.layout import Layout


@pytest.fixture(scope="session")
def stopped_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose server has stopped cleanly; to be copied and not to be used."""
    path = tmp_path_factory.mktemp("stopped") / "data"
    attach(path, lambda message: None).close()
    return path


@pytest.fixture
def layout(stopped_data_dir: Path, tmp_path: Path) -> Layout:
    """A fresh copy of a stopped data directory, with its owners and permissions."""
    path = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(stopped_data_dir), str(path)], check=True)
    return Layout(path)
