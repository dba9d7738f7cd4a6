"""Lines of the log: what waits for company, and what does not."""

import asyncio
import io
import logging

import pytest

from habitue.edges.http.logs import LINES_SECONDS, LineWriter


class Stream(io.BytesIO):
    """Counts how often something was written."""

    writes = 0

    def write(self, content: object, /) -> int:
        self.writes += 1
        return super().write(content)  # type: ignore[arg-type]


async def test_lines_of_requests_leave_together() -> None:
    stream = Stream()
    lines = LineWriter(stream)
    for number in range(5):
        lines.info(b"%d" % number)
    assert stream.getvalue() == b""
    await asyncio.sleep(3 * LINES_SECONDS)
    assert (stream.getvalue(), stream.writes) == (b"0\n1\n2\n3\n4\n", 1)
    lines.info(b"5")
    await asyncio.sleep(3 * LINES_SECONDS)
    assert (stream.getvalue(), stream.writes) == (b"0\n1\n2\n3\n4\n5\n", 2)


async def test_a_warning_leaves_at_once_with_all_before_it() -> None:
    stream = Stream()
    lines = LineWriter(stream)
    lines.info(b"request")
    lines.warning(b"warning")
    assert stream.getvalue() == b"request\nwarning\n"


def test_without_an_event_loop_each_line_leaves_at_once() -> None:
    stream = Stream()
    lines = LineWriter(stream)
    lines.info(b"one")
    lines.debug(b"two")
    assert (stream.getvalue(), stream.writes) == (b"one\ntwo\n", 2)


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_a_stream_that_is_gone_stops_nothing(level: int) -> None:
    stream = Stream()
    stream.close()
    lines = LineWriter(stream)
    (lines.info if level == logging.INFO else lines.error)(b"line")
