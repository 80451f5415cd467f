"""Habits of duploctl's users that have no meaning here: each is told what exists instead."""

import pytest

from daypass.cli.legacy import JIT_COMMANDS, SUBJECTS
from tests.cli.conftest import Inside
from tests.cli.stub import StubPortal


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("jit", "aws", "-q", "{A: AccessKeyId}"), "daypass env"),
        (("jit", "aws", "--query", "AccessKeyId", "--admin"), "jq"),
        (("-q", "AccessKeyId", "jit", "aws"), "daypass env"),
        (("jit", "aws", "-o", "env"), "daypass env"),
        (("jit", "aws", "--output", "yaml"), "yq"),
        (("jit", "aws", "--output", "csv"), "JSON"),
        (("aws", "-o", "env", "--tenant", "dev01"), "daypass env"),
        (("aws", "-q", "x", "--tenant", "dev01"), "daypass env"),
        (("jit", "aws", "--ctx", "prod"), "--host"),
        (("jit", "web", "--config-file", "x"), "--host"),
        (("jit", "token", "--cachedir", "x"), "DAYPASS_CACHE_DIR"),
        *((("jit", command), "keep duploctl") for command in JIT_COMMANDS),
        (("jit", "k8s", "--plan", "x"), "Kubernetes"),
        *(((subject, "list"), "There is no") for subject in SUBJECTS),
        (("tenant", "list"), "daypass tenants"),
        (("service", "list", "--tenant", "dev01"), "keep duploctl"),
    ],
)
def test_what_exists_instead_is_told(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], said: str
) -> None:
    ran = inside(*words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert portal.asked == []


def test_json_is_still_taken_as_the_form_of_the_output(inside: Inside) -> None:
    assert inside("jit", "aws", "--tenant", "dev01", "-o", "json").code == 0
