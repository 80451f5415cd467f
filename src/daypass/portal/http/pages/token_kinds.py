"""How pages name the kinds of tokens."""

from collections.abc import Mapping

from daypass.portal.identity.model import TokenKind

LABELS: Mapping[TokenKind, str] = {
    TokenKind.TEMPORARY: "Temporary API token",
    TokenKind.PERMANENT: "Permanent API token",
    TokenKind.BROWSER: "Browser",
    TokenKind.APPROVAL: "Application",
    TokenKind.CLI: "Access token of a command line",
    TokenKind.REFRESH: "Command line",
}
