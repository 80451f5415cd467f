"""Scopes, which are the extents of session requests and of tokens, and their wire form.

Every other spelling of a scope (JSON, OAuth, database, audit log, legacy clients) is derived in this module.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import quote, unquote


class ScopeKind(StrEnum):
    """The kinds of scopes. A session is of the kind `ADMIN` or `TENANT`, which is stored with it."""

    ADMIN = "admin"
    """Account administration: the master role, and the Administrators' part of the portal."""
    TENANT = "tenant"
    """One tenant, and its role. For tokens it is reserved: no client can request it yet."""
    TENANTS = "tenants"
    """Every tenant of the user."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The extent of a session request or of a token. It grants nothing: the policy decides on the access."""

    kind: ScopeKind
    reference: str = ""
    """For one tenant: its name or id, as the caller gave it."""

    @classmethod
    def of_tenant(cls, reference: str) -> "Scope":
        """Return the scope of the tenant with this name or id."""
        return cls(ScopeKind.TENANT, reference)

    @property
    def is_admin(self) -> bool:
        """Whether this is account administration."""
        return self.kind is ScopeKind.ADMIN

    def covers(self, other: "Scope") -> bool:
        """Return whether *other* is within this scope.

        A reference is compared as text, so the scope of a tenant by name does not cover it by id.
        """
        return self == other or (self.kind is ScopeKind.TENANTS and other.kind is ScopeKind.TENANT)


ADMIN_SCOPE = Scope(ScopeKind.ADMIN)
TENANTS_SCOPE = Scope(ScopeKind.TENANTS)

Scopes: TypeAlias = frozenset[Scope]
"""A set of scopes, for example those that a user consented to for an application."""

TENANTS_ONLY: Scopes = frozenset({TENANTS_SCOPE})
TENANTS_AND_ADMIN: Scopes = frozenset({TENANTS_SCOPE, ADMIN_SCOPE})

_WITHOUT_REFERENCE = {scope.kind.value: scope for scope in (TENANTS_SCOPE, ADMIN_SCOPE)}
# Other characters of a reference are percent-encoded, which keeps to the grammar of RFC 6749, section 3.3.
_ONE_TENANT = re.compile("tenant:([A-Za-z0-9._~%-]*)")
# Administration comes last, as it always did in the answers of the token endpoint.
_ORDER = (ScopeKind.TENANTS, ScopeKind.TENANT, ScopeKind.ADMIN)


def format_scope(scope: Scope) -> str:
    """Return the wire form: `tenants`, `admin`, or `tenant:` with the percent-encoded reference."""
    if scope.kind is not ScopeKind.TENANT:
        return scope.kind.value
    # A reference that a caller typed may have lone surrogates, which UTF-8 does not encode.
    return f"{scope.kind}:{quote(scope.reference, safe='', errors='surrogatepass')}"


def parse_scope(text: str) -> Scope:
    """Return the scope with this wire form; raises `ValueError` for any other text."""
    if text in _WITHOUT_REFERENCE:
        return _WITHOUT_REFERENCE[text]
    match = _ONE_TENANT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a scope: {text!r}")
    return Scope.of_tenant(unquote(match[1], errors="surrogatepass"))


def format_scopes(scopes: Iterable[Scope]) -> str:
    """Return the wire forms separated by spaces (RFC 6749, section 3.3), always in the same order."""
    in_order = sorted(scopes, key=lambda scope: (_ORDER.index(scope.kind), scope.reference))
    return " ".join(map(format_scope, in_order))


def parse_scopes(text: str) -> Scopes:
    """Return the scopes in a list separated by spaces; raises `ValueError` if a part is no scope."""
    return frozenset(map(parse_scope, text.split()))


def covers(scopes: Scopes, wanted: Scope) -> bool:
    """Return whether one of *scopes* covers the wanted one."""
    return any(scope.covers(wanted) for scope in scopes)


def consented_scopes(*, with_admin: bool) -> Scopes:
    """Return the scopes of a consent for the tenants, and for administration if the user added it.

    Legacy clients send this flag, and older releases of the portal store only the flag.
    """
    return TENANTS_AND_ADMIN if with_admin else TENANTS_ONLY


def stored_scopes(text: str | None, *, allows_admin: bool) -> Scopes:
    """Return the scopes in a row that has both a list of scopes and the flag of older releases.

    An older release writes no list, and takes administration away by clearing the flag. So the flag is read
    where the list is missing, and administration needs both.
    """
    if text is None:
        return consented_scopes(with_admin=allows_admin)
    scopes = _known_scopes(text)
    return scopes if allows_admin else scopes - {ADMIN_SCOPE}


@lru_cache(maxsize=64)
def _known_scopes(text: str) -> Scopes:
    """Return the scopes in a stored list; those of a newer release are left out, so they give nothing."""
    scopes = set()
    for part in text.split():
        with suppress(ValueError):
            scopes.add(parse_scope(part))
    return frozenset(scopes)


def requested_scope(tenant: str | None) -> Scope:
    """Return the scope of a session request in JSON, which has either a tenant or none for administration."""
    return ADMIN_SCOPE if tenant is None else Scope.of_tenant(tenant)


def recorded_scope(kind: ScopeKind, tenant_name: str | None) -> str | None:
    """Return the scope of a session as the audit log has it: `admin`, or the tenant's name."""
    return kind.value if kind is ScopeKind.ADMIN else tenant_name
