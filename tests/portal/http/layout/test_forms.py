"""Reading of submitted forms."""

import asyncio
import gc
import inspect

import pytest
from starlette.requests import Request
from starlette.types import Message

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.endpoints import body_chunks
from daypass.portal.http.layout.forms import read_upload

TYPE = b"multipart/form-data; boundary=abc"


def test_an_unreadable_body_leaves_no_timeout_running() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"--abc\r\nno header\r\n", "more_body": True}

    async def open_readers() -> list[object]:
        headers = [(b"content-type", TYPE), (b"content-length", b"100")]
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
        with pytest.raises(InvalidRequest):
            await read_upload(request, 1000)
        generators = [value for value in gc.get_objects() if inspect.isasyncgen(value)]
        return [g for g in generators if g.ag_code is body_chunks.__code__ and g.ag_frame is not None]

    assert asyncio.run(open_readers()) == []
