"""The rules that may be saved, by kind of issuer."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.model import UserId
from daypass.portal.permission_sets.model import FULL
from daypass.portal.tenants.model import TenantId
from daypass.portal.workloads.checks import check_rule
from daypass.portal.workloads.issuers.model import IssuerKind
from daypass.portal.workloads.model import RuleId, RuleTenant, WorkloadRule

UUID = "d7d1e3d9-4b41-4d1a-9d0a-0b3c8a1f2e4d"
GITHUB = {"repository_id": "4711", "repository_owner_id": "42", "environment": "production"}
CIRCLECI = {
    "oidc.circleci.com/project-id": UUID,
    "oidc.circleci.com/vcs-origin": "github.com/acme/shop",
    "oidc.circleci.com/vcs-ref": "refs/heads/main",
}
AWS = {
    "sub": "arn:aws:iam::123456789012:role/deployer",
    "/https:~1~1sts.amazonaws.com~1/aws_account": "123456789012",
}
KUBERNETES = {"sub": "system:serviceaccount:build:deployer", "/kubernetes.io/serviceaccount/uid": UUID}
TERRAFORM = {
    "terraform_organization_id": "org-GRNbCjYNpBB6NEBH",
    "terraform_workspace_id": "ws-mbsd5E3Ktt5Rg2Xm",
    "terraform_run_phase": "apply",
}
BUILDKITE = {"organization_id": UUID, "pipeline_id": UUID, "build_branch": "main"}
BITBUCKET = {"repositoryUuid": f"{{{UUID}}}", "branchName": "main"}
GITLAB = {"project_id": "22", "namespace_id": "72", "ref_protected": "true", "ref_path": "refs/heads/main"}
EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE".replace(
    "EXAMPLE", "ABCDEF0"
)

GOOD: Mapping[IssuerKind, tuple[str, Mapping[str, str]]] = {
    IssuerKind.GITHUB: ("https://token.actions.githubusercontent.com", GITHUB),
    IssuerKind.GITLAB: ("https://gitlab.com", GITLAB),
    IssuerKind.BITBUCKET: (
        "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        BITBUCKET,
    ),
    IssuerKind.CIRCLECI: (f"https://oidc.circleci.com/org/{UUID}", CIRCLECI),
    IssuerKind.BUILDKITE: ("https://agent.buildkite.com", BUILDKITE),
    IssuerKind.TERRAFORM: ("https://app.terraform.io", TERRAFORM),
    IssuerKind.KUBERNETES: (EKS, KUBERNETES),
    IssuerKind.AWS: ("https://abc123-def456.tokens.sts.global.api.aws", AWS),
    IssuerKind.GOOGLE: ("https://accounts.google.com", {"sub": "112233445566778899001"}),
    IssuerKind.OTHER: ("https://ci.example.com", {"sub": "job", "project_id": "4711"}),
}
ALLOWED = ("https://ci.example.com", "https://gitlab.example.com", "http://127.0.0.1:8000")


def rule(kind: IssuerKind = IssuerKind.GITHUB, **changed: object) -> WorkloadRule:
    issuer, claims = GOOD[kind]
    good = WorkloadRule(
        id=RuleId("1" * 32),
        name="shop",
        kind=kind,
        issuer=issuer,
        audience="https://portal.example.com",
        claims=claims,
        user_id=UserId("2" * 32),
        token_lifetime=timedelta(minutes=15),
        session_limit=timedelta(hours=1),
        tags={},
    )
    return replace(good, **changed)  # type: ignore[arg-type]  # by name


def refusal(refused: WorkloadRule) -> str:
    with pytest.raises(InvalidRequest) as raised:
        check_rule(refused, ALLOWED)
    return raised.value.reason


@pytest.mark.parametrize("kind", IssuerKind)
def test_a_rule_of_each_kind_with_ids_may_be_saved(kind: IssuerKind) -> None:
    check_rule(rule(kind), ALLOWED)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://token.actions.githubusercontent.com/acme-inc",
        "https://token.actions.acme.ghe.com",
        "https://gitlab.example.com",
        "http://127.0.0.1:8000",
    ],
)
def test_an_issuer_of_github_or_one_that_the_operator_allowed(issuer: str) -> None:
    check_rule(rule(issuer=issuer), ALLOWED)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://token.actions.githubusercontent.com.evil.example",
        "https://token.actions.githubusercontent.com/a/b",
        "https://evil.example/https://token.actions.githubusercontent.com",
        "https://evil.example/_services/token",
        "https://169.254.169.254",
        "http://token.actions.githubusercontent.com",
        "https://user@token.actions.githubusercontent.com",
        "https://ci.example.com/",
        "https://token.actions.githubusercontent.com\n",
        "",
    ],
)
def test_any_other_issuer_is_refused(issuer: str) -> None:
    assert "issuer" in refusal(rule(issuer=issuer))


@pytest.mark.parametrize("kind", [kind for kind in IssuerKind if kind is not IssuerKind.OTHER])
def test_each_demanded_claim_is_necessary(kind: IssuerKind) -> None:
    _, claims = GOOD[kind]
    # The branch is a choice of the rule's author where the ref is protected.
    for name in claims.keys() - {"ref_path"}:
        rest = {each: value for each, value in claims.items() if each != name}
        refusal(rule(kind, claims=rest))


@pytest.mark.parametrize(
    ("kind", "claims", "why"),
    [
        (IssuerKind.GITHUB, {"sub": "repo:acme/shop:ref:refs/heads/main"}, "repository_id"),
        (IssuerKind.GITHUB, {**GITHUB, "repository_id": "acme/shop"}, "unexpected form"),
        (IssuerKind.GITHUB, {**GITHUB, "environment": "prod-*"}, "wildcard"),
        (IssuerKind.GITHUB, {**GITHUB, "environment": ""}, "empty"),
        (IssuerKind.GITHUB, {**GITHUB, "event_name": "pull_request"}, "pull request"),
        (IssuerKind.GITHUB, {**GITHUB, "ref": "refs/pull/1/merge"}, "pull request"),
        (
            IssuerKind.GITHUB,
            {"repository_id": "1", "repository_owner_id": "2", "ref": "refs/heads/main"},
            "protected ref",
        ),
        (IssuerKind.GITHUB, {**GITHUB, "ref_protected": "false"}, "unexpected form"),
        (IssuerKind.GITHUB, {**GITHUB, "aud": "https://portal.example.com"}, "by itself"),
        (IssuerKind.GITLAB, {**GITLAB, "pipeline_source": "merge_request_event"}, "pull request"),
        (IssuerKind.GITLAB, {**GITLAB, "ref_path": "refs/merge-requests/1/head"}, "pull request"),
        (IssuerKind.CIRCLECI, {**CIRCLECI, "oidc.circleci.com/ssh-rerun": "true"}, "SSH"),
        (IssuerKind.BUILDKITE, {"pipeline_id": UUID, "build_branch": "main"}, "organization_id"),
        (IssuerKind.TERRAFORM, {**TERRAFORM, "terraform_run_phase": "any"}, "unexpected form"),
        (IssuerKind.GOOGLE, {"sub": "deployer@acme.iam.gserviceaccount.com"}, "unexpected form"),
        (IssuerKind.OTHER, {"sub": "job"}, "only “sub”"),
        (IssuerKind.OTHER, {"email": "dana@example.com", "actor": "dana"}, "who started"),
        (IssuerKind.OTHER, {"actor": "dana", "sub": "job"}, "only “sub”"),
        (IssuerKind.OTHER, {}, "id"),
        (IssuerKind.OTHER, {"environment": "production"}, "None of the claims is an immutable id"),
        (
            IssuerKind.OTHER,
            {"sub": "job", "environment": "production"},
            "None of the claims is an immutable id",
        ),
        (IssuerKind.OTHER, {"event_name": "push", "ref_protected": "true"}, "nothing about what it runs"),
        (IssuerKind.OTHER, {"sub": "job", "runner_environment": "self-hosted"}, "only “sub”"),
        (IssuerKind.OTHER, {"project_id": "4711"}, "Demand “sub” too"),
        (IssuerKind.OTHER, {"/project/id": "4711"}, "Demand “sub” too"),
        (IssuerKind.OTHER, {"project_id": "4711", "organization_id": "7"}, "Demand “sub” too"),
        (IssuerKind.OTHER, {"project_id": "4711", "user_id": "7", "event_name": "push"}, "Demand “sub” too"),
        (IssuerKind.OTHER, {"organization_id": UUID, "environment": "production"}, "the id of an owner"),
        (IssuerKind.OTHER, {"tenantId": UUID, "environment": "production"}, "the id of an owner"),
        (
            IssuerKind.OTHER,
            {"/ctx/actor_id": "5", "environment": "p"},
            "None of the claims is an immutable id",
        ),
        (
            IssuerKind.OTHER,
            {"https://x.example/user_id": UUID, "ref": "x"},
            "None of the claims is an immutable",
        ),
        (
            IssuerKind.OTHER,
            {"userId": "5", "ref": "refs/heads/main"},
            "None of the claims is an immutable id",
        ),
        (IssuerKind.OTHER, {"/a/GitHub-User-Id": "5", "Email": "dana@example.com"}, "who started"),
        (IssuerKind.OTHER, {"/job/event_name": "push", "project_id": "4711"}, "Demand “sub” too"),
        (IssuerKind.OTHER, {"sub": "repo:acme/shop:pull_request", "project_id": "4711"}, "pull request"),
        (IssuerKind.OTHER, {"ref": "refs/pull/7/merge", "project_id": "4711"}, "pull request"),
        (IssuerKind.OTHER, {"source": "merge_request_event", "project_id": "4711"}, "pull request"),
        (IssuerKind.OTHER, {"sub": "spiffe://acme.example"}, "only “sub”"),
    ],
)
def test_a_rule_that_strangers_could_fulfil_is_refused(
    kind: IssuerKind, claims: Mapping[str, str], why: str
) -> None:
    assert why in refusal(rule(kind, claims=claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": UUID},
        {"sub": "112233445566778899001"},
        {"sub": "job", "organization_id": "7"},
        {"sub": "job", "/kubernetes.io/pod/uid": "x"},
        {"sub": "job", "project": UUID},
        {"project_id": "4711", "ref": "refs/heads/main"},
        {"repositoryUuid": "x", "branchName": "main"},
        {"project_id": "4711", "pipeline_id": "7"},
        {"project_id": "4711", "/project/name": "shop"},
        {"project_id": "4711", "ref": "refs/heads/pull_request-template"},
    ],
)
def test_an_id_with_what_runs_is_exact_for_an_unknown_issuer(claims: Mapping[str, str]) -> None:
    check_rule(rule(IssuerKind.OTHER, claims=claims), ALLOWED)


def test_a_spiffe_id_is_an_identity_by_itself() -> None:
    check_rule(rule(IssuerKind.OTHER, claims={"sub": "spiffe://acme.example/deployer"}), ALLOWED)


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        (IssuerKind.GITHUB, "https://github.com/acme"),
        (IssuerKind.GITHUB, "sts.amazonaws.com"),
        (IssuerKind.GITHUB, "https://token.actions.githubusercontent.com"),
        (IssuerKind.GITHUB, ""),
        (IssuerKind.BITBUCKET, f"ari:cloud:bitbucket::workspace/{UUID}"),
        (IssuerKind.CIRCLECI, UUID),
        (IssuerKind.BUILDKITE, "https://buildkite.com/acme"),
        (IssuerKind.TERRAFORM, "aws.workload.identity"),
        (IssuerKind.KUBERNETES, "https://kubernetes.default.svc.cluster.local"),
        (IssuerKind.AWS, "api://AzureADTokenExchange"),
        (IssuerKind.GOOGLE, "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x"),
    ],
)
def test_an_audience_that_tokens_for_others_have_is_refused(kind: IssuerKind, audience: str) -> None:
    assert "audience" in refusal(rule(kind, audience=audience))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Shop"},
        {"name": ""},
        {"name": "a" * 65},
        {"token_lifetime": timedelta(minutes=14)},
        {"token_lifetime": timedelta(minutes=61)},
        {"session_limit": timedelta(minutes=14)},
        {"session_limit": timedelta(hours=13)},
        {"claims": {**GITHUB, **{f"claim{number}": "x" for number in range(14)}}},
        {"tenants": tuple(RuleTenant(TenantId(str(n)), f"t{n}", FULL) for n in range(51))},
        {"tags": {f"claim{number}": f"tag{number}" for number in range(11)}},
        {"tags": {"repository": "daypass:tenant"}},
        {"tags": {"repository": "repo", "run_id": "REPO"}},
        {"tags": {"repository": ""}},
    ],
)
def test_values_out_of_bounds_are_refused(changed: Mapping[str, object]) -> None:
    refusal(rule(IssuerKind.GITHUB, **changed))


# From RFC 7515, appendix A.3.
PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "1",
}


def test_a_private_issuer_brings_its_public_keys() -> None:
    private = "https://kubernetes.default.svc.cluster.local"
    keys = json.dumps({"keys": [PUBLIC_KEY]})
    check_rule(rule(IssuerKind.KUBERNETES, issuer=private, jwks=keys), ())
    assert "DAYPASS_WORKLOAD_ISSUERS" in refusal(rule(IssuerKind.KUBERNETES, issuer=private))
    for bad in ("", "[]", "{}", '{"keys": []}', '{"keys": [1]}', "x" * 70_000):
        assert "JSON Web Key Set" in refusal(rule(IssuerKind.KUBERNETES, issuer=private, jwks=bad))
    useless_keys: list[dict[str, object]] = [{"kty": []}, {"kty": "RSA"}, {**PUBLIC_KEY, "use": "enc"}]
    for useless in useless_keys:
        reason = refusal(rule(IssuerKind.KUBERNETES, issuer=private, jwks=json.dumps({"keys": [useless]})))
        assert "no key that the portal can use" in reason, useless
    twice = f'{{"keys": [], {keys[1:]}'
    assert "JSON Web Key Set" in refusal(rule(IssuerKind.KUBERNETES, issuer=private, jwks=twice))
    for secret in ({**PUBLIC_KEY, "d": "secret"}, {"kty": "oct", "k": "secret"}):
        reason = refusal(rule(IssuerKind.KUBERNETES, issuer=private, jwks=json.dumps({"keys": [secret]})))
        assert "private" in reason
        assert "secret" not in reason
    assert "fetched" in refusal(rule(jwks=keys)), "Keys of a public issuer would end its rotation."


def test_a_known_issuer_keeps_its_kind() -> None:
    github = "https://token.actions.githubusercontent.com"
    claims = {"sub": "x", "project": "y"}
    assert "GitHub" in refusal(rule(IssuerKind.OTHER, issuer=github, claims=claims))
    with pytest.raises(InvalidRequest, match="GitHub"):
        check_rule(rule(IssuerKind.OTHER, issuer=github, claims=claims), (github,))


def test_a_pointer_to_a_top_level_claim_does_not_avoid_the_conditions_of_its_name() -> None:
    assert "without the slash" in refusal(rule(IssuerKind.OTHER, claims={"/sub": "repo:acme/shop"}))
    pull_request = {**GITHUB, "/event_name": "pull_request_target"}
    assert "without the slash" in refusal(rule(claims=pull_request))
    check_rule(rule(IssuerKind.OTHER, claims={"/project/id": "4711", "sub": "job"}), ALLOWED)


@pytest.mark.parametrize(
    ("issuer", "audience"),
    [
        ("https://github.example.com/_services/token", "https://github.example.com/acme"),
        ("https://token.actions.acme.ghe.com", "https://acme.ghe.com/acme"),
        ("https://github.example.com/_services/token", "https://GitHub.example.com"),
    ],
)
def test_the_audience_that_an_own_github_uses_by_itself_is_refused(issuer: str, audience: str) -> None:
    own = rule(issuer=issuer, audience=audience)
    with pytest.raises(InvalidRequest, match="audience of other services"):
        check_rule(own, (issuer,))
    check_rule(replace(own, audience="https://portal.example.com"), (issuer,))


def test_a_branch_of_a_fork_is_refused_for_buildkite() -> None:
    assert "pull request" in refusal(
        rule(IssuerKind.BUILDKITE, claims={**BUILDKITE, "build_branch": "eve:main"})
    )
