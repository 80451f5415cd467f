"""The labels of the kinds of tokens."""

from collections.abc import Mapping

from daypass.portal.identity.model import TokenKind

LABELS: Mapping[TokenKind, str] = {
    TokenKind.TEMPORARY: "Temporary API token",
    TokenKind.PERMANENT: "Permanent API token",
    TokenKind.BROWSER: "Browser",
    TokenKind.APPROVAL: "Application",
    TokenKind.CLI: "CLI access token",
    TokenKind.REFRESH: "CLI",
    TokenKind.WORKLOAD: "Workload",
}
