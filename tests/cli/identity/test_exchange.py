"""The exchange of a job's identity for a portal token, its cache, and the messages of refusals."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from daypass.cli.identity.bearer import WorkloadBearer
from daypass.cli.identity.selection import detected
from tests.cli.conftest import SCRIPT, TOKEN, Ran
from tests.cli.identity.conftest import (
    GRANT,
    JWT,
    TOKEN_NUMBER,
    JobInside,
    oauth_error,
)
from tests.cli.sign_in import leave_sign_in
from tests.cli.stub import Reply
from tests.fixtures.ci_issuer import BITBUCKET_STEP, GITLAB_JOB

DEV = ("aws", "--tenant", "dev01")
START = 2_000_000_000


def test_a_job_on_github_gets_keys_without_a_stored_secret(job: JobInside) -> None:
    ran = job(*DEV)

    assert (ran.code, json.loads(ran.out)["AccessKeyId"][:4]) == (0, "ASIA")
    assert job.issuer.audiences == [job.portal.stub.url]
    (form,) = job.portal.exchanges
    assert (form["grant_type"], form["subject_token_type"], set(form)) == (
        GRANT,
        JWT,
        {"grant_type", "subject_token", "subject_token_type"},
    )
    assert job.portal.callers == [TOKEN_NUMBER.format(1)]


def test_the_service_account_is_sent_as_the_audience_of_the_exchange(job: JobInside) -> None:
    by_flag = job(*DEV, "--service-account", "deployer")
    by_variable = job(*DEV, DAYPASS_SERVICE_ACCOUNT="reader")

    assert (by_flag.code, by_variable.code) == (0, 0)
    assert [form["audience"] for form in job.portal.exchanges] == ["deployer", "reader"]


def test_all_commands_of_a_job_share_one_exchange(gitlab: JobInside) -> None:
    commands = (
        DEV,
        ("aws", "--tenant", "prod01"),
        ("jit", *DEV),
        ("env", "--tenant", "dev01", "--shell", "sh"),
        ("exec", "--tenant", "dev01", "--", "true"),
        ("tenants",),
        ("whoami",),
        ("configure", "--tenant", "dev01", "--diff"),
    )

    codes = [gitlab.processes(*words).code for words in commands]

    assert codes == [0] * len(commands)
    assert len(gitlab.portal.exchanges) == 1
    assert set(gitlab.portal.callers) == {TOKEN_NUMBER.format(1)}


def test_processes_that_start_together_exchange_the_only_token_once(gitlab: JobInside) -> None:
    environment = gitlab.environment()
    commands = [
        gitlab.daypass.start(
            "aws", "--tenant", "dev01", "--duration", f"{15 + number}m", environment=environment
        )
        for number in range(6)
    ]

    ends = [command.communicate(timeout=60) for command in commands]

    assert [command.returncode for command in commands] == [0] * 6, ends
    assert len(gitlab.portal.exchanges) == 1


def test_a_refused_portal_token_is_replaced_if_the_job_can_have_another_identity_token(
    job: JobInside,
) -> None:
    job("tenants")
    job.portal.revoked.add(TOKEN_NUMBER.format(1))

    ran = job("tenants")

    assert ran.code == 0
    assert job.portal.callers == [TOKEN_NUMBER.format(number) for number in (1, 1, 2)]


def test_a_refused_portal_token_ends_a_job_that_has_one_identity_token(gitlab: JobInside) -> None:
    gitlab("tenants")
    gitlab.portal.revoked.add(TOKEN_NUMBER.format(1))

    ran = gitlab("tenants")

    assert (ran.code, len(gitlab.portal.exchanges)) == (3, 1)
    assert "This job's token was already used" in ran.err
    assert "GitLab CI gives a job one token, which the portal accepts once." in ran.err


@pytest.mark.parametrize(
    ("lifetime", "after", "exchanges"),
    [(3600, 3539, 1), (3600, 3541, 2), (60, 29, 1), (60, 31, 2), (3600, -10, 2)],
)
def test_a_portal_token_is_replaced_shortly_before_it_expires(
    job: JobInside, lifetime: int, after: int, exchanges: int
) -> None:
    job.portal.lifetime = lifetime
    environment = job.environment()
    identity = detected({}, environment)
    assert identity is not None

    for now in (START, START + after):
        clock = partial(float, now)
        WorkloadBearer(job.portal.stub.url, None, identity, {}, environment, clock).token()

    assert len(job.portal.exchanges) == exchanges


def test_an_exchange_removes_what_earlier_jobs_left(gitlab: JobInside) -> None:
    left = gitlab.daypass.cache / f"{'0' * 64}.lock"
    left.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    left.touch()
    os.utime(left, (0, 0))

    assert gitlab("tenants").code == 0

    assert not left.exists()
    assert len(list(left.parent.glob("*.workload"))) == 1


def test_jobs_on_one_machine_share_no_token(gitlab: JobInside) -> None:
    other = gitlab.issuer.mint(gitlab.portal.stub.url, GITLAB_JOB, project_id="12")

    gitlab("tenants")
    gitlab("tenants", DAYPASS_ID_TOKEN=other)

    assert [form["subject_token"] for form in gitlab.portal.exchanges] == [
        gitlab.variables["DAYPASS_ID_TOKEN"],
        other,
    ]


def test_the_portal_token_is_in_a_private_file_that_cache_clear_removes(job: JobInside) -> None:
    job("tenants")
    (stored,) = job.daypass.cache.glob("*.workload")

    assert stored.stat().st_mode & 0o777 == 0o600
    assert job("cache", "clear").code == 0
    assert not stored.exists()


def test_a_cache_that_others_can_read_stores_no_token_and_the_job_still_works(
    job: JobInside, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)

    ran = job("tenants", DAYPASS_CACHE_DIR=str(shared))

    assert ran.code == 0
    assert "The token of this job is not cached: others may read or write it." in ran.err
    assert list(shared.iterdir()) == []


def test_a_refusal_names_the_claims_that_were_sent_and_what_an_administrator_does(job: JobInside) -> None:
    job.portal.refusal = oauth_error("invalid_grant", "No workload rule accepts this token.")

    ran = job(*DEV, "--service-account", "deployer")

    assert (ran.code, ran.out) == (3, "")
    for part in (
        "No workload rule accepts this token.",
        f"iss {job.issuer.url}",
        "repository acme/shop, repository_id 4711, repository_owner_id 42",
        "ref refs/heads/main",
        "Ask an Administrator for a workload rule",
        "for the service account deployer",
    ):
        assert part in ran.err


@pytest.mark.parametrize("length", [20, 1990])
def test_a_refusal_that_repeats_the_token_does_not_show_it(
    job: JobInside, tmp_path: Path, length: int
) -> None:
    # In a file, the token is unknown to the redaction of all messages.
    file = tmp_path / "token"
    token = job.issuer.mint(job.portal.stub.url)
    file.write_text(token)
    job.portal.refusal = oauth_error("invalid_request", f"{'x' * length} {token} is not accepted.")

    ran = job("tenants", "--identity", f"file:{file}")

    assert ran.code == 3
    assert "x ***" in ran.err
    assert token[:20] not in ran.err


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (oauth_error("unsupported_grant_type", "Unknown."), 6, "accepts no identity tokens of jobs"),
        (oauth_error("temporarily_unavailable", "Wait for keys.", 503), 5, "Wait for keys."),
        (oauth_error("slow_down", "Wait a minute.", 429), 5, "Wait a minute."),
        (Reply(502, b"bad gateway"), 5, "Try again later"),
        (Reply(404, b"not found"), 6, "is not a Daypass portal"),
        (Reply(200, b"{}", {"Content-Type": "application/json"}), 6, "has no token"),
        (Reply(200, b'{"access_token": "a b", "expires_in": 9}'), 6, "has no token"),
        (Reply(200, b'{"access_token": "a", "expires_in": -1}'), 6, "has no lifetime"),
        (Reply(200, b'{"access_token": "a", "expires_in": 1e999}'), 6, "has no lifetime"),
        (Reply(302, b"", {"Location": "/elsewhere"}), 6, "is not a Daypass portal"),
    ],
)
def test_other_answers_to_the_exchange_have_their_exit_codes(
    job: JobInside, reply: Reply, code: int, said: str
) -> None:
    job.portal.refusal = reply

    ran = job(*DEV)

    assert ran.code == code
    assert said in ran.err
    assert len(job.portal.exchanges) == 1


def test_a_given_token_wins_over_every_identity(job: JobInside) -> None:
    ran = job(*DEV, "--identity", "github", DAYPASS_TOKEN=TOKEN)

    # The portal of this test accepts the tokens of jobs only.
    assert ran.code == 3
    assert (job.portal.callers, job.portal.exchanges) == ([TOKEN], [])


def test_a_stored_sign_in_wins_over_a_detected_identity_and_not_over_a_selected_one(job: JobInside) -> None:
    state = {"DAYPASS_STATE_DIR": str(job.daypass.home / "state")}
    leave_sign_in(job.environment(**state), job.portal.stub.url)

    job("tenants", "--no-browser", **state)
    selected = job("tenants", "--identity", "github", **state)

    assert job.portal.callers[0] == "access_canary"
    assert (selected.code, job.portal.callers[-1]) == (0, TOKEN_NUMBER.format(1))


def test_a_detected_token_for_another_service_is_not_sent_to_the_portal(job: JobInside) -> None:
    token = job.issuer.mint(["ari:cloud:bitbucket::workspace/a1a1"], BITBUCKET_STEP)
    job.variables.clear()

    detected = job("tenants", BITBUCKET_STEP_OIDC_TOKEN=token)

    assert (detected.code, job.portal.exchanges) == (6, [])
    assert "is for ari:cloud:bitbucket::workspace/a1a1, not for http://localhost" in detected.err
    # A workload rule may demand another audience, so a selected token is sent.
    job("tenants", "--identity", "bitbucket", BITBUCKET_STEP_OIDC_TOKEN=token)
    assert len(job.portal.exchanges) == 1


def test_a_token_of_gitlab_for_another_service_is_sent_only_if_it_is_selected(gitlab: JobInside) -> None:
    token = gitlab.issuer.mint("https://vault.example.com", GITLAB_JOB)

    detected = gitlab("tenants", DAYPASS_ID_TOKEN=token)

    assert (detected.code, gitlab.portal.exchanges) == (6, [])
    assert (
        "GitLab CI in DAYPASS_ID_TOKEN is for https://vault.example.com, not for http://localhost"
        in detected.err
    )
    gitlab("tenants", "--identity", "gitlab", DAYPASS_ID_TOKEN=token)
    assert len(gitlab.portal.exchanges) == 1


def test_an_identity_is_used_only_at_a_portal_that_is_named(gitlab: JobInside) -> None:
    leave_sign_in(gitlab.environment(), gitlab.portal.stub.url)

    ran = gitlab("tenants", DAYPASS_HOST="")

    assert (ran.code, gitlab.portal.exchanges) == (2, [])
    assert "Which portal?" in ran.err


def test_no_argument_of_a_process_is_a_secret(job: JobInside, tmp_path: Path) -> None:
    seen = tmp_path / "processes"

    ran = job.processes(
        "exec", "--tenant", "dev01", "--", "sh", "-c", f"cat /proc/[0-9]*/cmdline > {seen} 2>&1; true"
    )

    assert ran.code == 0
    text = seen.read_bytes().decode(errors="replace")
    job.check(Ran(0, text, ""), job.environment())


def test_the_fast_path_serves_cached_keys_without_the_exchange(gitlab: JobInside) -> None:
    gitlab(*DEV)
    modules = subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT, *DEV],
        env=gitlab.environment(DAYPASS_DEBUG=""),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "daypass.cli.identity.selection" in modules.stderr
    for name in ("daypass.cli.identity.bearer", "daypass.cli.api", "json"):
        assert f"| {name}\n" not in modules.stderr.replace("  ", "")
    assert len(gitlab.portal.exchanges) == 1
