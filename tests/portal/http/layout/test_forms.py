"""What a form sent, and what is left when it cannot be read."""

import asyncio
import gc
import inspect

import pytest
from starlette.requests import Request
from starlette.types import Message

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.endpoints import pieces_of_body
from daypass.portal.http.layout.forms import read_upload

TYPE = b"multipart/form-data; boundary=abc"


def test_a_body_that_cannot_be_read_leaves_no_clock_running_for_whoever_sent_it() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"--abc\r\nno header\r\n", "more_body": True}

    async def still_read() -> list[object]:
        headers = [(b"content-type", TYPE), (b"content-length", b"100")]
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
        with pytest.raises(InvalidRequest):
            await read_upload(request, 1000)
        readers = [one for one in gc.get_objects() if inspect.isasyncgen(one)]
        return [one for one in readers if one.ag_code is pieces_of_body.__code__ and one.ag_frame is not None]

    assert asyncio.run(still_read()) == []
