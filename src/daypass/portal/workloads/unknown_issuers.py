"""The claims that a rule must demand of an issuer whose tokens the portal does not know."""

import re
from collections.abc import Collection, Mapping

from daypass.portal.errors import InvalidRequest
from daypass.portal.workloads.issuers.model import UUID

_OF_PERSONS = re.compile(
    r".*(actor|author|email|login|user)(id|uid|uuid|email|login|name)?(verified|accesslevel)?"
)
"""Claims about the person who started a job; they say nothing about what the job runs."""

_BROAD = frozenset(
    {
        "acr",
        "amr",
        "azp",
        "eventname",
        "groups",
        "refprotected",
        "reftype",
        "repositoryvisibility",
        "roles",
        "runnerenvironment",
        "scope",
        "scp",
        "tokenuse",
        "typ",
        "visibility",
    }
)
"""Claims whose values jobs of many projects share; both are for names in lower case without punctuation."""

_ID = re.compile(
    r"(.*[_./-])?(id|uid|uuid|guid|oid)|.*[a-z0-9](Id|ID|Uid|UID|Uuid|UUID|Guid|GUID)", re.DOTALL
)
_OWNER_ID = re.compile(
    r".*(owner|org|organi[sz]ation|enterprise|namespace|tenant|account|company|group|team)[_./-]?(id|uid|uuid|guid)",
    re.IGNORECASE | re.DOTALL,
)
_ID_VALUE = re.compile(rf"\{{?{UUID}\}}?|[0-9]{{12,}}")
_SPIFFE_ID = re.compile(r"spiffe://[^/]+/.+")
_PULL_REQUEST = re.compile(
    r"(.*:)?(pull[_-]request|pull_request_target|merge[_-]request|merge_request_event)"
    r"|(.*[:/])?(pull|pull-requests|merge-requests)/[0-9]+(/.*)?",
    re.IGNORECASE | re.DOTALL,
)


def check_claims_of_unknown_kind(claims: Mapping[str, str]) -> None:
    """Return if *claims* can be of one workload only; raises `InvalidRequest` with what is missing and why.

    A rule is exact with an immutable id, because names can be registered again, and with `sub` or a
    further claim about what runs, because an id alone is usually that of a whole project.
    """
    subject = claims.get("sub", "")
    # The whole identity of the workload, and such tokens may have nothing else.
    if _SPIFFE_ID.fullmatch(subject) or _ID_VALUE.fullmatch(subject):
        return
    for name, value in claims.items():
        if _PULL_REQUEST.fullmatch(value):
            raise InvalidRequest(
                f"A rule must not demand this value of “{name}”. Anyone who can open a pull request "
                "decides on the commands of such a job."
            )
    strong = {name for name in claims if not _is_weak(name)}
    if not strong:
        raise InvalidRequest(
            "The claims say at most who started the job, or what jobs of many projects have in common, and "
            "nothing about what it runs. Demand an immutable id of the project or workload, and “sub”."
        )
    if strong == {"sub"}:
        raise InvalidRequest(
            "A rule must not demand only “sub”: many issuers make it of names, which others can register "
            "again. Demand an immutable id too."
        )
    ids = {name for name in strong - {"sub"} if _is_id(name, claims[name])}
    if not ids:
        raise InvalidRequest(
            "None of the claims is an immutable id, such as project_id or a UUID. Names can be given up and "
            "registered again by others, so demand an id too."
        )
    if "sub" not in strong:
        _check_without_subject(strong, ids)


def _check_without_subject(strong: Collection[str], ids: Collection[str]) -> None:
    owners = {name for name in ids if _OWNER_ID.fullmatch(name)}
    # The id of an organization is immutable too, and says nothing about which of its projects runs.
    if owners == set(ids):
        raise InvalidRequest(
            f"“{min(owners)}” is the id of an owner, all of whose projects would fulfil the rule. Demand the "
            "id of the project or workload too, or “sub”."
        )
    if len(set(strong) - owners) < 2:
        raise InvalidRequest(
            f"Every job that has this “{min(ids)}” would fulfil the rule, of any branch. Demand “sub” too, "
            "or the branch, environment or workflow."
        )


def _is_weak(name: str) -> bool:
    plain = re.sub("[^a-z0-9]", "", _last(name).lower())
    if plain in {"name", "tags"}:
        # Within an object they are those of a project, as in `/project/name`.
        return plain == name
    return plain in _BROAD or _OF_PERSONS.fullmatch(plain) is not None


def _is_id(name: str, value: str) -> bool:
    return _ID.fullmatch(_last(name)) is not None or _ID_VALUE.fullmatch(value) is not None


def _last(name: str) -> str:
    """Return the name without the objects that it is in, or the address that it begins with."""
    return name.replace("~1", "/").rpartition("/")[2]
