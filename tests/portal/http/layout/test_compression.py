"""Negotiation of gzip compression by Accept-Encoding (RFC 9110, section 12.5.3)."""

import pytest
from starlette.datastructures import Headers

from daypass.portal.http.layout.compression import accepts_gzip


@pytest.mark.parametrize(
    ("values", "accepts"),
    [
        ([], False),
        ([""], False),
        (["gzip"], True),
        (["GZip"], True),
        (["x-gzip"], True),
        (["gzip, deflate, br, zstd"], True),
        (["deflate", "gzip"], True),
        (["deflate, br"], False),
        (["gzipped"], False),
        (["identity"], False),
        (["gzip;q=0"], False),
        (["gzip; Q=0.000"], False),
        (["gzip ;\tq=0.001"], True),
        (["gzip;q=1.000"], True),
        (["br;q=1.0, gzip;q=0.8, *;q=0.1"], True),
        (["*"], True),
        (["*;q=0"], False),
        (["*;q=0.5"], True),
        (["*, gzip;q=0"], False),
        (["gzip, *;q=0"], True),
        (["identity, gzip"], True),
        (["identity;q=1, gzip;q=0.5"], False),
        (["identity;q=0.5, gzip;q=1.0"], True),
        (["identity;q=0, gzip;q=0.1"], True),
        (["gzip;q=nan"], False),
        (["gzip;q=2"], False),
        (["gzip;q="], False),
        (["gzip;level=9"], False),
        (["gzip;q=1;q=0"], False),
        ([" , gzip ,, "], True),
    ],
)
def test_compression_follows_the_accept_encoding_header(values: list[str], *, accepts: bool) -> None:
    headers = Headers(raw=[(b"accept-encoding", value.encode()) for value in values])

    assert accepts_gzip(headers) is accepts
