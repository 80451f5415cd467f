"""A stub of STS and IAM that responds immediately, so that a benchmark measures the portal and not AWS.

python -m benchmarks.stub_sts          prints its port, and serves until it is terminated
"""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

ACCOUNT = "111122223333"


_ASSUME_ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>\
<AssumedRoleUser><AssumedRoleId>AROASTUBSTUBSTUBSTUB1:session</AssumedRoleId>\
<Arn>arn:aws:sts::{account}:assumed-role/{role}/{session}</Arn></AssumedRoleUser>\
<Credentials><AccessKeyId>ASIASTUBSTUBSTUBSTUB</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
<SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
<PackedPolicySize>6</PackedPolicySize></AssumeRoleResult>\
<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></AssumeRoleResponse>"""

_CALLER_IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\
<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/daypass-portal</Arn><UserId>AIDASTUBSTUBSTUBSTUB1</UserId>\
<Account>{ACCOUNT}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>\
</GetCallerIdentityResponse>"""

_ROLE = f"""<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Path>/</Path>\
<RoleName>stub</RoleName><RoleId>AROASTUBSTUBSTUBSTUB1</RoleId><Arn>arn:aws:iam::{ACCOUNT}:role/stub</Arn>\
<CreateDate>2026-01-01T00:00:00Z</CreateDate><MaxSessionDuration>43200</MaxSessionDuration></Role></GetRoleResult>\
<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetRoleResponse>"""


def _answer(body: bytes) -> str:
    parameters = dict(parse_qsl(body.decode()))
    if parameters["Action"] != "AssumeRole":
        return _ROLE if parameters["Action"] == "GetRole" else _CALLER_IDENTITY
    length = timedelta(seconds=int(parameters["DurationSeconds"]))
    expiration = (datetime.now(UTC) + length).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  AWS has a clock of its own
    return _ASSUME_ROLE.format(
        account=ACCOUNT,
        role=parameters["RoleArn"].rpartition("/")[2],
        session=parameters["RoleSessionName"],
        secret="s" * 40,
        token="t" * 700,
        expiration=expiration,
    )


class StubSts(asyncio.Protocol):
    """One persistent connection; each request gets its response immediately."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to which responses are written."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  a TCP connection can be written to
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond when the request is complete."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if not separator or len(body) < (int(length.group(1)) if length else 0):
            return
        self._buffer = b""
        answer = _answer(body).encode()
        assert self._transport is not None  # noqa: S101  data comes after the connection is made
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(StubSts, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
