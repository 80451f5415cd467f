"""The body of a request: when it is waited for, and its limits."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from daypass.portal.http.core.endpoints import LARGEST_BODY, read_body
from daypass.portal.http.core.problems import BodyTooLarge


def request(version: str, headers: Sequence[tuple[bytes, bytes]], *chunks: bytes) -> Request:
    """Return a request whose body arrives in *chunks*; a read beyond them never ends."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "path": "/", "http_version": version, "headers": headers}
    return Request(scope, receive)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_that_the_head_excludes_is_not_waited_for(version: str) -> None:
    assert asyncio.run(read_body(request(version, [(b"host", b"x")]))) == b""


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", [(b"content-length", b"4")]),
        ("1.1", [(b"transfer-encoding", b"chunked")]),
        ("2", []),
        ("2", [(b"content-length", b"4")]),
    ],
)
def test_every_other_body_is_read_completely(version: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert asyncio.run(read_body(request(version, headers, b"ab", b"cd"))) == b"abcd"


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", [(b"content-length", b"%d" % (LARGEST_BODY + 1))]),
        ("1.1", [(b"content-length", b"-1")]),
        ("1.1", [(b"transfer-encoding", b"chunked")]),
        ("2", []),
    ],
)
def test_a_large_body_is_refused_however_it_is_announced(
    version: str, headers: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(request(version, headers, b"x" * LARGEST_BODY, b"x")))
