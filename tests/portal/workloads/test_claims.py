"""Claims: their names and values in rules, and the session tags made from them."""

import pytest

from daypass.portal.workloads.claims import find_claim, find_mismatch, has_audience, tag_values

CLAIMS = {
    "repository_id": "4711",
    "number": 7,
    "protected": True,
    "list": ["x"],
    "null": None,
    "https://sts.amazonaws.com/": {"aws_account": "123456789012", "request_tags": {"a~b": "1"}},
    "kubernetes.io": {"serviceaccount": {"uid": "abc"}},
    "/odd": "top",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("repository_id", "4711"),
        ("number", "7"),
        ("protected", "true"),
        ("list", None),
        ("null", None),
        ("missing", None),
        ("kubernetes.io", None),
        ("/kubernetes.io/serviceaccount/uid", "abc"),
        ("/https:~1~1sts.amazonaws.com~1/aws_account", "123456789012"),
        ("/https:~1~1sts.amazonaws.com~1/request_tags/a~0b", "1"),
        ("/repository_id/x", None),
        ("/list/0", None),
        ("/odd", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_pointer(name: str, value: str | None) -> None:
    assert find_claim(CLAIMS, name) == value


def test_values_are_compared_exactly() -> None:
    assert find_mismatch(CLAIMS, {"repository_id": "4711", "protected": "true"}) is None
    for other in ("471", "47110", " 4711", "4711\n", ""):
        assert find_mismatch(CLAIMS, {"repository_id": other}) == "repository_id"
    assert find_mismatch(CLAIMS, {"missing": ""}) == "missing", "A missing claim has no empty value."


def test_only_a_token_for_this_audience_alone_is_accepted() -> None:
    assert has_audience({"aud": "a"}, "a")
    assert has_audience({"aud": ["a"]}, "a")
    for aud in (["a", "b"], ["b"], [], "b", None, {"a": 1}, ["a", "a"]):
        assert not has_audience({"aud": aud}, "a"), aud
    assert not has_audience({}, "a")


def test_tags_have_the_characters_and_the_length_that_aws_accepts() -> None:
    claims = {"ref": "refs/heads/main", "workflow": "CI: build & “test”", "long": "x" * 300, "empty": ""}
    claims["lines"] = "a\nb\tc\x1fd\u2028e f"
    tags = {"ref": "ref", "workflow": "workflow", "long": "long", "empty": "empty", "missing": "missing"}
    tags["lines"] = "lines"
    assert tag_values(claims, tags) == {
        "ref": "refs/heads/main",
        "workflow": "CI: build - -test-",
        "long": "x" * 256,
        "lines": "a-b-c-d-e f",
    }
