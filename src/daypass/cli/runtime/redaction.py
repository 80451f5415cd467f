"""Redaction of secrets in messages before they reach the user or a log."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from daypass.cli.cache.request import trimmed

_SHORTEST_SECRET = 6
_SHORTEST_TOKEN = 16

_VARIABLES = (
    "DAYPASS_TOKEN",
    "DUPLO_TOKEN",
    "DAYPASS_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "BITBUCKET_STEP_OIDC_TOKEN",
    "TFC_WORKLOAD_IDENTITY_TOKEN",
    "TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS",
    "SYSTEM_ACCESSTOKEN",
)
"""Variables with tokens, those of CI systems included."""

_ON_A_COMMAND_LINE = r"(?:--token|\s-t)(?:[ =]|(?<=-t))\s*"
_AS_A_SETTING = r"(?i:aws_secret_access_key|aws_session_token)[ \t]*[=:][ \t]*"
_IN_A_CONFIG = re.compile(rf"({_ON_A_COMMAND_LINE}|{_AS_A_SETTING})[^\s'\"]+")


def known_tokens(words: Sequence[str], environment: Mapping[str, str]) -> set[str]:
    """Return the tokens given to this command by flag or variable."""
    following = {word for flag, word in pairwise(words) if flag in ("--token", "-t")}
    attached = {word.partition("=")[2] for word in words if word.startswith("--token=")}
    attached |= {word[2:] for word in words if word.startswith("-t")}
    variables = {environment.get(name, "") for name in _VARIABLES}
    tokens = following | attached | variables
    # The trimmed form is sent, so the portal's answer may contain it.
    return {token for token in tokens | set(map(trimmed, tokens)) if len(token) >= _SHORTEST_SECRET}


def possible_tokens(words: Iterable[str]) -> set[str]:
    """Return words that may be misplaced tokens, for example after a mistyped flag."""
    parts = {part for word in words for part in (word, word.partition("=")[2])}
    return {part for part in parts if len(part) >= _SHORTEST_TOKEN and not part.startswith("-")}


def without_secrets(config: str) -> str:
    """Return the text of an AWS config file with its keys, and tokens on command lines, replaced by stars."""
    return _IN_A_CONFIG.sub(r"\1***", config)


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each secret replaced by stars."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
