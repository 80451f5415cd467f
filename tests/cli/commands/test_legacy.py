"""Commands and options of duploctl that are not supported: the error names the replacement."""

from importlib import import_module
from importlib.metadata import entry_points

import click
import pytest

from daypass.cli.app import OWN_COMMANDS
from daypass.cli.commands.legacy import JIT_COMMANDS, SUBJECTS
from daypass.cli.lazy_group import load
from tests.cli.conftest import Command, Inside
from tests.cli.stub import StubPortal


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("jit", "aws", "-q", "{A: AccessKeyId}"), "daypass env"),
        (("jit", "aws", "--query", "AccessKeyId", "--admin"), "jq"),
        (("-q", "AccessKeyId", "jit", "aws"), "daypass env"),
        (("jit", "aws", "-o", "env"), "daypass env"),
        (("jit", "aws", "--output", "yaml"), "yq"),
        (("jit", "aws", "--output", "csv"), "jq"),
        (("jit", "aws", "--output", "string"), "jq"),
        (("jit", "aws", "--output", "table"), "The output is JSON."),
        (("aws", "-o", "env", "--tenant", "dev01"), "daypass env"),
        (("aws", "-q", "x", "--tenant", "dev01"), "daypass env"),
        (("jit", "aws", "--ctx", "prod"), "--host"),
        (("jit", "web", "--config-file", "x"), "--host"),
        (("jit", "aws", "--context", "prod"), "--host"),
        (("jit", "web", "--configfile", "x"), "--host"),
        (("jit", "token", "--cachedir", "x"), "DAYPASS_CACHE_DIR"),
        *((("jit", command), "There is no") for command in JIT_COMMANDS),
        (("jit", "k8s"), "keep duploctl"),
        (("jit", "update-kubeconfig"), "keep duploctl"),
        (("jit", "kubectl", "get", "pods"), "not yet to Kubernetes: keep duploctl"),
        (("jit", "EKS"), "Kubernetes"),
        (("jit", "azure"), "AWS alone"),
        (("jit", "duplo", "--host", "https://portal.example.com"), "daypass jit token"),
        (("jit", "update-aws-config", "portal"), "daypass jit update_aws_config"),
        (("jit", "env", "--tenant", "dev01"), "daypass env"),
        (("jit", "anything"), "aws, token, update_aws_config and web. See: daypass jit --help"),
        (("jit", "token", "--cache-dir", "x"), "DAYPASS_CACHE_DIR"),
        (("jit", "aws", "--homedir", "x"), "DAYPASS_STATE_DIR"),
        (("jit", "aws", "--home-dir", "x"), "DAYPASS_STATE_DIR"),
        (("jit", "k8s", "--plan", "x"), "Kubernetes"),
        *(((subject, "list"), "There is no") for subject in SUBJECTS),
        (("tenant", "list"), "daypass tenants"),
        (("service", "list", "--tenant", "dev01"), "keep duploctl"),
    ],
)
def test_an_unsupported_command_is_refused_with_the_replacement(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], message: str
) -> None:
    ran = inside(*words)

    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert portal.requests == []


def test_every_subject_of_the_installed_duploctl_has_a_message() -> None:
    theirs = {found.name for found in entry_points(group="duplocloud.net")}

    assert theirs
    assert theirs - set(SUBJECTS) - set(OWN_COMMANDS) == set()


# duploctl uses it, and Python 3.14 warns of it.
@pytest.mark.filterwarnings("ignore:FileType is deprecated:PendingDeprecationWarning")
def test_every_jit_command_of_the_installed_duploctl_has_a_message() -> None:
    ours = load("daypass.cli.commands.jit:jit")
    assert isinstance(ours, click.Group)
    # Loading the class registers its commands.
    (jit,) = (found.load() for found in entry_points(group="duplocloud.net", name="jit"))
    schema = import_module("duplocloud.commander").schema
    theirs = {name.rpartition(".")[2] for name in schema if name.startswith(f"{jit.__name__}.")}

    assert theirs
    assert theirs - set(JIT_COMMANDS) - set(ours.commands) == set()


def test_a_token_in_the_place_of_a_command_is_not_repeated(inside: Inside) -> None:
    ran = inside("jit", "daypass_pat_canary0123456789canary0123456789")

    assert ran.code == 2
    assert "canary" not in ran.err


def test_output_json_is_accepted(inside: Inside) -> None:
    assert inside("jit", "aws", "--tenant", "dev01", "-o", "json").code == 0


def test_completion_of_an_unsupported_command_prints_nothing(daypass: Command) -> None:
    ran = daypass(
        _DAYPASS_COMPLETE="bash_complete", COMP_WORDS="daypass jit k8s --", COMP_CWORD="3", DAYPASS_TOKEN=""
    )

    assert (ran.code, ran.err) == (0, "")
