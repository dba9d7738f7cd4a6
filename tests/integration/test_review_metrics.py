"""Where several processes keep their measurements, and that serving does not depend on it."""

import fcntl
import http.client
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serving import Shopfront, serving


@pytest.fixture
async def several(shop_url: str) -> AsyncIterator[Shopfront]:
    with serving(shop_url, ("--workers", "2")) as shopfront:
        yield shopfront


def directory_of(front: Shopfront) -> Path:
    """Where the processes of the server keep their measurements."""
    parent = front.process.pid
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lineage = (process / "stat").read_text().rpartition(")")[2].split()
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        named = [each for each in variables if each.startswith(b"PROMETHEUS_MULTIPROC_DIR=")]
        if int(lineage[1]) == parent and named:
            return Path(os.fsdecode(named[0].partition(b"=")[2]))
    raise AssertionError("no worker names the directory")


async def test_nobody_tidies_the_directory_away_while_it_is_used(several: Shopfront) -> None:
    # what cleans directories of temporary files passes over those that are locked
    descriptor = os.open(directory_of(several), os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


async def test_requests_are_served_when_they_cannot_be_measured(several: Shopfront) -> None:
    shutil.rmtree(directory_of(several))
    connection = http.client.HTTPConnection(urlsplit(several.base).netloc, timeout=30)
    try:
        connection.request("GET", "/ready")
        connection.getresponse().read()
        opened = connection.sock
        statuses = []
        for _ in range(3):
            connection.request("GET", "/v1/applications")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
            assert connection.sock is opened, "the connection was closed after an answer"
        assert statuses == [401, 401, 401]
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
