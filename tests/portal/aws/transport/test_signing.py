"""Tests of the request signature."""

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.aws.transport.signing import signed

HEADERS = {"Content-Type": "text/plain", "Host": "sts.us-east-1.amazonaws.com", "Accept-Encoding": "identity"}


@given(body=st.binary(max_size=200), token=st.sampled_from([None, "session-token"]))
def test_the_signature_equals_that_of_a_botocore_request(body: bytes, token: str | None) -> None:
    keys = ReadOnlyCredentials("AKIAEXAMPLEEXAMPLE00", "secret", token)
    ours = signed(keys, "sts", "us-east-1", "https://sts.us-east-1.amazonaws.com/", HEADERS, body)
    same = {name: value for name, value in ours.items() if name not in {"Authorization", "X-Amz-Date"}}
    request = AWSRequest("POST", "https://sts.us-east-1.amazonaws.com/", data=body, headers=same)
    signer = SigV4Auth(keys, "sts", "us-east-1")
    # Signed at the time of the other signature, so that both have one timestamp.
    request.context["timestamp"] = ours["X-Amz-Date"]
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)

    assert same == HEADERS | ({"X-Amz-Security-Token": token} if token else {})
    assert ours["Authorization"].endswith(f"Signature={signature}")
