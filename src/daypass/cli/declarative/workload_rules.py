"""Workload rules in the manifest: their fields as the file and the API have them."""

from collections.abc import Mapping

TEXTS = ("kind", "issuer", "audience", "service_account")
NUMBERS = ("token_lifetime", "session_limit")
MAPPINGS = ("claims", "tenants", "session_tags")
FIELDS = (*TEXTS, *MAPPINGS, *NUMBERS, "jwks", "disabled")
REQUIRED = ("kind", "service_account", "claims")

_DEFAULTS: Mapping[str, object] = {
    "tenants": {},
    "session_tags": {},
    "token_lifetime": 900,
    "session_limit": 3600,
    "jwks": None,
    "disabled": False,
}
# The portal chooses these for a rule that leaves them out.
_CHOSEN = ("issuer", "audience")

Rule = Mapping[str, object]
"""The fields of a rule; only those that the file has, or all that the portal has."""


def complete(wanted: Rule, live: Rule | None) -> Rule:
    """Return all fields that *wanted* stands for, in an order of their own; *live* is the rule as it is."""
    fields = {**_DEFAULTS, **wanted}
    if live is not None and live["kind"] == fields["kind"]:
        fields = {name: live[name] for name in _CHOSEN} | fields
    return {name: fields[name] for name in FIELDS if name in fields}


def of_portal(row: Rule) -> Rule:
    """Return the fields of a rule in an answer of the API."""
    return {name: row[name] for name in FIELDS}


def written(rule: Rule) -> dict[str, object]:
    """Return the fields for a file, without those that have their default."""
    return {name: value for name, value in rule.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
