"""Rules for the source as a whole."""

import ast
import re
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "daypass"
MODULES = sorted(SOURCE.rglob("*.py"))

# Each exit of a secret, module by module. A change that adds a line here says why the secret leaves there.
EXITS = {
    "portal/aws/console.py": "to AWS's sign-in endpoint, which makes them a console link",
    "portal/aws/tagging.py": "into the signature of the portal's own search for resources",
    "portal/commands/create_admin.py": "a new token, shown once",
    "portal/commands/scim_token.py": "a new token for an identity provider, shown once",
    "portal/commands/new_password.py": "a new password: shown once, or in a private file",
    "portal/http/api/sessions/handlers.py": "to whom the session was issued",
    "portal/http/api/provisioning.py": "a new token of an identity provider, shown once",
    "portal/http/api/tokens.py": "a new API token, to the Administrator who made it, this once",
    "portal/http/legacy/local_access.py": "to the page on which its user agreed to it",
    "portal/http/oauth/consent.py": "a code, to the listener or the eyes of the user who agreed to it",
    "portal/http/oauth/endpoints.py": "to the device that a person signed in",
    "portal/workloads/exchange.py": "an ID token, into the verification; a new token, into its digest",
    "portal/http/legacy/jit.py": "to whom the session was issued",
    "portal/http/pages/tokens.py": "to whom the token was made for, this once",
    "portal/http/pages/console_access.py": "to whom the session was issued",
    "portal/http/pages/providers/redirects.py": "into the cookie of the browser that signs in at a provider",
    "portal/http/pages/sign_in.py": "into the CSRF token of a new session",
    "portal/http/pages/session_cookies.py": "into the cookies of the browser that signed in",
    "portal/http/pages/passkeys/own.py": "the handle of a challenge, to the browser that asked for it",
    "portal/http/pages/passkeys/step.py": "the handle of a challenge, into a cookie of the same browser",
    "portal/http/pages/passkeys/confirmation.py": "into the CSRF token of a new session",
    "portal/http/api/users/handlers.py": "a recovery link, to the Administrator who made it, this once",
    "portal/admin/provisioning/service.py": "into the digest of a new token",
    "portal/admin/users/recovery.py": "into the digest of a recovery link",
    "portal/http/pages/admin/provisioning.py": "a new token of an identity provider, shown once",
    "portal/http/pages/admin/user_detail.py": "a new token or link, to its maker, this once",
    "portal/http/pages/admin/user_list.py": "a new password, to the Administrator who made it, this once",
    "portal/identity/passwords.py": "into the hash",
    "portal/identity/providers/oidc/provider.py": "to the checks of the token, and to the provider at logout",
    "portal/identity/providers/oidc/token_endpoint.py": "to the provider whose code is redeemed",
    "portal/identity/browser_sessions.py": "into the digests of the two cookies",
    "portal/identity/sealing.py": "into the ciphertext of a value that is stored encrypted",
    "portal/identity/external/attempts.py": "into the digests of an attempt's id and state",
    "portal/identity/oauth/authorization_requests.py": "into the digest of a code",
    "portal/identity/oauth/token_families.py": "into the digests of codes and tokens, and into the challenge",
    "portal/identity/provisioning/tokens.py": "into the digest of a new token",
    "portal/identity/passkeys/challenges.py": "into the digest of a challenge's handle",
    "portal/identity/authentication.py": "into the digest of a new token",
    "demo/identity_provider/settings.py": "the secret of the demo's own client, into a private file",
    "demo/saved_state.py": "the demo's own users, into a private file",
    "demo/aws.py": "into the signatures of the demo's own calls",
    "demo/instructions.py": "how to sign in to the demo, on its terminal",
    "demo/ready_file.py": "the demo's own users, into a private file",
    "demo/start.py": "the sandbox's root key, into the environment of the demo's portal",
    "demo/environment.py": "the demo's own users, to their calls",
}


_LET_PASS = re.compile(r"# (type: ignore|noqa)")
_LET_PASS_WITH_REASON = re.compile(r"# (type: ignore\[[a-z, -]+\]  # |noqa: [A-Z0-9, ]+  )\S")


def _name(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


def test_secrets_leave_only_where_this_list_says() -> None:
    exits = {_name(module) for module in MODULES if ".reveal" in module.read_text()}

    assert exits == EXITS.keys()


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_module_fits_in_its_room_and_says_what_it_is_for(module: Path) -> None:
    text = module.read_text()

    assert text.count("\n") <= 400
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_no_function_needs_scrolling(module: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    long = [f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno >= 50]

    assert long == []


@pytest.mark.parametrize("folder", sorted({module.parent for module in MODULES}), ids=_name)
def test_a_folder_has_no_more_than_20_modules(folder: Path) -> None:
    modules = [module.name for module in folder.glob("*.py") if module.name != "__init__.py"]

    assert len(modules) <= 20, modules


def test_what_is_let_pass_says_why() -> None:
    root = SOURCE.parent.parent
    modules = [path for folder in ("src", "tests", "benchmarks") for path in (root / folder).rglob("*.py")]
    unsaid = [
        f"{module.relative_to(root)}:{number}"
        for module in modules
        for number, line in enumerate(module.read_text().splitlines(), 1)
        if _LET_PASS.search(line) and not _LET_PASS_WITH_REASON.search(line)
    ]

    assert unsaid == []


COMMON = [module for module in MODULES if _name(module).startswith("common/")]


@pytest.mark.parametrize("module", COMMON, ids=_name)
def test_the_shared_package_imports_the_standard_library_only(module: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            imported.add(node.module)

    outside = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}

    assert {name for name in outside if not name.startswith("daypass.common")} == set()


def test_every_decision_record_is_listed() -> None:
    folder = SOURCE.parent.parent / "docs" / "decisions"
    listed = set(re.findall(r"\(([0-9]{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))

    assert listed == {record.name for record in folder.glob("[0-9]*.md")}


_ROOT = SOURCE.parent.parent
_MAP_ROW = re.compile(r"^\| (?!to add|---)(?P<change>[^|]+?) \| (?P<files>.+) \|$", re.MULTILINE)
_MAP_PATH = re.compile(r"`((?:[\w.-]+/)*[\w-]+(?:/|\.py|\.html|\.toml|\.txt))`")
MAP = {row["change"]: row["files"] for row in _MAP_ROW.finditer((_ROOT / "CONTRIBUTING.md").read_text())}


@pytest.mark.parametrize("change", MAP)
def test_every_path_in_the_map_for_contributors_exists(change: str) -> None:
    folder = SOURCE
    found = []
    for name in _MAP_PATH.findall(MAP[change]):
        # A name without a folder stands beside the path before it.
        if name.startswith(("tests/", "docs/", "scripts/", "deploy/", ".github/")) or name.endswith(".toml"):
            path = _ROOT / name
        elif name.startswith("http/"):
            path = SOURCE / "portal" / name
        elif "/" in name.rstrip("/"):
            path = SOURCE / name
        else:
            path = folder / name
        found.append(path)
        folder = path if name.endswith("/") else path.parent

    assert found
    assert [str(path.relative_to(_ROOT)) for path in found if not path.exists()] == []
