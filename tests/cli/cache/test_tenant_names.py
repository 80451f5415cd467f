"""The cached names of tenants: listed, suggested and completed without a call to the portal."""

import subprocess

import pytest

from daypass.cli.cache import removal
from daypass.cli.cache.tenant_names import cached_names, list_sentence, suggestion
from tests.cli.conftest import Command, Inside
from tests.cli.stub import StubPortal, problem


def test_a_missing_tenant_is_answered_with_the_list_of_tenants(inside: Inside, portal: StubPortal) -> None:
    assert "daypass tenants" in inside("aws").err
    inside("tenants")
    asked = len(portal.requests)

    for words in (
        ("aws",),
        ("env", "--shell", "sh"),
        ("exec", "--", "true"),
        ("web",),
        ("configure",),
        ("jit", "aws"),
    ):
        ran = inside(*words)
        assert ran.code == 2
        assert "Yours: dev01, prod01." in ran.err, words
    # `configure` calls the portal before it notices that the tenant is missing.
    assert {each.path for each in portal.requests[asked:]} <= {"/api/v1/me", "/api/v1/tenants"}


@pytest.mark.parametrize(
    "words",
    [
        ("aws",),
        ("aws", "--no-cache"),
        ("env", "--shell", "sh"),
        ("exec",),
        ("serve-credentials",),
        ("web", "--print"),
        ("web", "--print", "s3"),
        ("configure",),
        ("jit", "aws"),
    ],
)
def test_a_misspelled_tenant_gets_a_suggestion(
    inside: Inside, portal: StubPortal, words: tuple[str, ...]
) -> None:
    inside("tenants")
    usual, refused = portal.reply, problem(403, "access_denied", "You have no such tenant.")
    portal.reply = lambda asked: (refused if asked.path == "/api/v1/sessions" else usual)(asked)

    ran = inside(*words, "--tenant", "dev0", *(("--", "true") if words == ("exec",) else ()))

    assert ran.code == 4
    assert "Did you mean dev01?" in ran.err


def test_a_refusal_for_an_existing_tenant_has_no_suggestion(inside: Inside, portal: StubPortal) -> None:
    inside("tenants")
    portal.reply = problem(403, "access_denied", "JIT access is disabled.")

    for words in (("--tenant", "dev01"), ("--tenant", "DEV01"), ("--admin",)):
        ran = inside("aws", *words)
        assert (ran.code, "mean" in ran.err) == (4, False)


def test_tenant_names_are_cached_per_portal(inside: Inside) -> None:
    inside("tenants")

    assert "dev01" not in inside("aws", DAYPASS_HOST="https://other.example.com").err


def test_clearing_the_cache_removes_the_tenant_names(inside: Inside, portal: StubPortal) -> None:
    inside("tenants")
    environment = {"HOME": str(inside.home), "XDG_CACHE_HOME": str(inside.home / ".cache")}
    assert cached_names(environment, portal.url) == ["dev01", "prod01"]

    assert removal.clear(environment) == 0

    assert cached_names(environment, portal.url) == []


def test_names_with_special_characters_are_not_cached(inside: Inside, portal: StubPortal) -> None:
    portal.tenants = ["dev01", "$(id)", "a b", "x\x1b[31m", "-x"]
    inside("tenants")

    assert "Yours: dev01." in inside("aws").err


def test_a_long_list_of_names_is_shortened() -> None:
    names = [f"t{number:03}" for number in range(100)]

    assert list_sentence(names).endswith("t019 and 80 more (daypass tenants).")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dev0", "Did you mean dev01?"),
        ("DEV1", "Did you mean dev01?"),
        ("pro", "Did you mean prod01?"),
        ("P", "Did you mean prod01?"),
        ("zzz", "Yours: dev01, prod01."),
    ],
)
def test_similar_names_are_suggested(name: str, said: str) -> None:
    assert suggestion(name, ["dev01", "prod01"]) == said


COMPLETE = {
    "bash": (
        'eval "$(daypass completion bash)"; COMP_WORDS=(daypass aws --tenant "d"); COMP_CWORD=3; '
        '_daypass_completion daypass d --tenant; printf "%s\\n" "${COMPREPLY[@]}"'
    ),
    "fish": 'daypass completion fish | source; complete --do-complete "daypass aws --tenant d"',
    "zsh": (
        'export COMP_WORDS="daypass aws --tenant d" COMP_CWORD=3; '
        "_DAYPASS_COMPLETE=zsh_complete daypass | sed -n 2p; "
        'autoload -U compinit; compinit -D; eval "$(daypass completion zsh)"; whence _daypass_completion >&2'
    ),
}


@pytest.mark.parametrize("shell", COMPLETE)
def test_a_shell_completes_tenant_names_without_a_call_to_the_portal(
    daypass: Command, portal: StubPortal, shell: str
) -> None:
    daypass("tenants")
    asked = len(portal.requests)
    options = {"zsh": ["-f"], "fish": ["--no-config"]}.get(shell, ["--norc"])

    ran = subprocess.run(
        [shell, *options, "-c", COMPLETE[shell]],
        env=daypass.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.stdout.split() == ["dev01"], ran.stderr
    assert len(portal.requests) == asked


@pytest.mark.parametrize("prefix", ["d", "D"])
def test_tenant_names_are_completed_in_lower_case(daypass: Command, prefix: str) -> None:
    daypass("tenants")

    words = f"daypass aws --tenant {prefix}"
    ran = daypass(_DAYPASS_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="3")

    assert ran.out.split() == ["plain,dev01"]
