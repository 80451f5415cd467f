"""A job of GitHub Actions lists its bucket without a stored secret, and the same job of a fork is refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from daypass.portal.clock import utc_now
from daypass.portal.identity.model import UserId
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.storage.schema.identity import users
from daypass.portal.tenants.model import TenantId
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.model import RuleId, RuleTenant, WorkloadRule
from daypass.portal.workloads.store.rules import add_rule, delete_rule
from tests.fixtures.ci_issuer import FORK_JOB, GITHUB_JOB, CiIssuer, ci_issuer
from tests.fixtures.demo import Demo
from tests.journeys.terminal import Done, Terminal

ACCOUNT = "ci@example.com"


@dataclass(frozen=True, slots=True)
class Job:
    """A job on a runner with an empty home and no stored secret; its issuer has a rule for the shop."""

    terminal: Terminal
    issuer: CiIssuer

    @property
    def demo(self) -> Demo:
        """The portal and its AWS."""
        return self.terminal.demo

    @property
    def bucket(self) -> str:
        """The bucket of dev01."""
        return str(self.demo.tenants["dev01"]["buckets"][0])

    def run(self, *words: str, **variables: str) -> Done:
        """Run a command in a job with these variables, by default GitHub's; check that it shows no secret."""
        done = self.terminal.run(
            *words,
            DAYPASS_HOST=self.demo.portal_url,
            DAYPASS_CA_FILE=self.demo.ca_file,
            DAYPASS_DEBUG="1",
            AWS_ENDPOINT_URL=self.demo.aws_endpoint_url,
            **(variables or self.issuer.github_variables()),
        )
        for secret in (self.issuer.request_token, "daypass_wlt_", "eyJ"):
            assert secret not in done.stdout + unmasked(done.stderr)
        return done


def unmasked(text: str) -> str:
    """Return what a runner shows of the output: the commands that mask secrets are left out."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("::add-mask::"))


@pytest.fixture
def job(terminal: Terminal) -> Iterator[Job]:
    """A job whose repository a rule lets read dev01 as the demo's service account."""
    demo = terminal.demo
    with ci_issuer() as issuer, demo.database() as database:
        with database.reading() as connection:
            account = connection.execute(select(users.c.id).where(users.c.username == ACCOUNT)).scalar_one()
        rule = shop_rule(demo, issuer, UserId(account))
        with database.writing() as connection:
            for change in add_rule(rule, by="test", at=utc_now()):
                change.apply(connection)
        try:
            yield Job(terminal, issuer)
        finally:
            with database.writing() as connection:
                delete_rule(rule.id).apply(connection)


def shop_rule(demo: Demo, issuer: CiIssuer, account: UserId) -> WorkloadRule:
    """Return a rule for the repository's main branch."""
    demanded = ("repository_id", "repository_owner_id", "ref", "ref_protected")
    return WorkloadRule(
        id=RuleId(uuid4().hex),
        name=f"shop-{uuid4().hex[:8]}",
        # The demo's portal allows no issuer of its own, so the rule brings the keys.
        kind=IssuerKind.OTHER,
        issuer=issuer.url,
        jwks=issuer.jwks,
        audience=demo.portal_url,
        claims={name: GITHUB_JOB[name] for name in demanded},
        user_id=account,
        token_lifetime=timedelta(minutes=15),
        session_limit=timedelta(hours=1),
        tags={"repository": "repository", "run_id": "run"},
        tenants=(RuleTenant(TenantId(demo.tenants["dev01"]["id"]), "dev01", READ_ONLY),),
    )


def test_a_job_without_a_stored_secret_lists_its_bucket(job: Job) -> None:
    listed = job.run("daypass", "exec", "--tenant", "dev01", "--", "aws", "s3", "ls", f"s3://{job.bucket}")
    written = job.run(
        *("daypass", "exec", "--tenant", "dev01", "--", "aws", "s3", "cp", "-", f"s3://{job.bucket}/note")
    )

    assert listed.returncode == 0, listed.stderr
    assert "welcome.txt" in listed.stdout
    # The service account has full access, and the rule gives less.
    assert written.returncode != 0
    assert "AccessDenied" in written.stderr
    # Both commands share one exchange.
    assert len(job.issuer.audiences) == 1


def test_the_same_job_of_a_fork_is_refused_with_its_claims(job: Job) -> None:
    job.issuer.claims = FORK_JOB

    refused = job.run("daypass", "exec", "--tenant", "dev01", "--", "aws", "s3", "ls")

    assert (refused.returncode, refused.stdout) == (3, "")
    assert "did not accept the identity of this job (GitHub Actions)" in refused.stderr
    assert "repository eve/shop, repository_id 6666, repository_owner_id 13" in refused.stderr


def test_the_rule_covers_no_other_tenant(job: Job) -> None:
    refused = job.run("daypass", "aws", "--tenant", "prod01")

    assert (refused.returncode, refused.stdout) == (4, "")


def test_a_profile_gives_the_sdk_of_the_job_its_keys(job: Job, tmp_path: Path) -> None:
    written = job.run("daypass", "configure", "--tenant", "dev01", "--identity", "github")
    listed = job.run("aws", "--profile", "dev01", "s3", "ls", f"s3://{job.bucket}")

    assert written.returncode == 0, written.stderr
    assert "welcome.txt" in listed.stdout, listed.stderr
    assert "--identity github" in (tmp_path / ".aws" / "config").read_text()


def test_whoami_and_doctor_say_whose_access_the_job_has(job: Job) -> None:
    me = job.run("daypass", "whoami", "--output", "json")
    checked = job.run("daypass", "doctor", "--output", "json")

    assert me.returncode == 0, me.stderr
    assert ACCOUNT in me.stdout
    findings = {each["about"]: each["sentence"] for each in json.loads(checked.stdout)}
    assert "repository acme/shop" in findings["identity"]
    assert ACCOUNT in findings["sign-in"]


def test_a_token_that_was_exchanged_is_refused_on_another_machine(job: Job, tmp_path: Path) -> None:
    token = job.issuer.mint(job.demo.portal_url, GITHUB_JOB)
    variables = {"GITLAB_CI": "true", "DAYPASS_ID_TOKEN": token}

    first = job.run("daypass", "tenants", **variables)
    again = job.run("daypass", "tenants", **variables)
    elsewhere = job.run("daypass", "tenants", **variables, DAYPASS_CACHE_DIR=str(tmp_path / "other"))

    assert (first.returncode, again.returncode, elsewhere.returncode) == (0, 0, 3), elsewhere.stderr
    assert token not in elsewhere.stderr


def test_a_token_for_another_portal_is_refused(job: Job) -> None:
    token = job.issuer.mint("https://other.example.com", GITHUB_JOB)

    refused = job.run("daypass", "tenants", DAYPASS_ID_TOKEN=token)

    assert refused.returncode == 3
    assert "aud https://other.example.com" in refused.stderr
