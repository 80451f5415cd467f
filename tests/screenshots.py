"""Takes screenshots of every page of a demo, light and dark, wide and narrow, and those of the documentation.

python -m tests.screenshots FOLDER            # all pages, for review before a release
python -m tests.screenshots --docs FOLDER     # the screenshots of README and docs
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from daypass.portal.settings.registry import ENABLE_ADMIN_JIT_ON_UI
from tests.fixtures.browser import DESK, PHONE, Chromium, User, launched, new_user
from tests.fixtures.demo import READY, Demo, read, start, stop
from tests.page_addresses import addresses

DANA, ADMIN = "dana@example.com", "admin@example.com"
DOCS_SIZE = (1280, 760)
SCHEMES = ("light", "dark")

Prepare = Callable[[Page], None]


def menu(page: Page) -> None:
    """Open the JIT menu."""
    page.get_by_role("button", name="More ways into AWS").click()


def credentials(page: Page) -> None:
    """Open the pane with keys."""
    menu(page)
    page.get_by_role("menuitem", name="Temporary AWS Credentials").click()
    page.locator("#keys [data-given]").wait_for()


def workstation(page: Page) -> None:
    """Open the pane with the profile for a workstation."""
    menu(page)
    page.get_by_role("menuitem", name="AWS Access from my Workstation", exact=True).click()


def nothing(_page: Page) -> None:
    """Leave the page as it is."""


def adding(page: Page) -> None:
    """Open the pane of **Add**."""
    page.get_by_role("button", name="Add", exact=True).click()


TENANT = "/administrator/tenants/prod01"
USERS = "/administrator/users"


def one_user(page: Page) -> None:
    """Open the page of one user."""
    page.get_by_role("link", name=DANA).click()


def one_user_s_tokens(page: Page) -> None:
    """Open the tab with a user's tokens."""
    one_user(page)
    page.get_by_role("link", name="Tokens", exact=True).click()


def token_made(page: Page) -> None:
    """Create a token, which is shown once."""
    one_user_s_tokens(page)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Token Name").fill("nightly")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("dialog", name="Token created").wait_for()


def delete_user(page: Page) -> None:
    """Open the pane that deletes a user."""
    page.get_by_role("button", name=f"Actions for {DANA}").click()
    page.get_by_role("menuitem", name="Delete").click()


def create_user(page: Page) -> None:
    """Open the pane that creates a user."""
    page.get_by_role("button", name="Add", exact=True).click()


def planned_import(page: Page) -> None:
    """Preview an import with some invalid lines."""
    lines = (
        "username,role,tenants",
        "lena@example.com,,dev01",
        f"{DANA},Administrator,",
        "x@example.com,Boss,",
    )
    page.get_by_label("Or paste the lines").fill("\n".join(lines))
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("heading", name="Preview").wait_for()


def one_event(page: Page) -> None:
    """Open the details of an event."""
    page.locator("#events tbody a").first.click()


def verified(page: Page) -> None:
    """Verify the audit log."""
    page.get_by_role("button", name="Verify").click()
    page.get_by_text("none changed").wait_for()


def misspelled_set(page: Page) -> None:
    """Send a permission set with an action that AWS does not have."""
    page.get_by_label("Name", exact=True).fill("no-code")
    page.get_by_label("Deny statements").fill(
        '[\n  {"Effect": "Deny", "Action": "s3:Gte*", "Resource": "*"}\n]'
    )
    page.get_by_role("button", name="Create", exact=True).click()
    page.locator("#denies-error").wait_for()


def own_role(page: Page) -> None:
    """Choose a role of its own in the form of a permission set."""
    page.get_by_label("Access comes from").select_option("own")


def change_set(page: Page) -> None:
    """Open the pane that gives a member another permission set."""
    page.get_by_role("button", name=f"Actions for {DANA}").click()
    page.get_by_role("menuitem", name="Change permission set").click()


def add_config(page: Page) -> None:
    """Open the pane of System Config with a duration in hours."""
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Config Type", exact=True).select_option("AppConfig")
    page.get_by_label("Key").locator("visible=true").select_option("MaximumSessionDuration")


def refused_membership(page: Page) -> None:
    """Send a membership of a tenant that does not exist."""
    page.locator("#tenant-name").fill("nowhere")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#tenant-name-error").wait_for()


def group_actions(page: Page) -> None:
    """Open the menu of a group."""
    page.get_by_role("button", name="Actions", exact=True).click()


EXTRA: Mapping[str, tuple[str, str, Prepare]] = {
    "profile-menu": (ADMIN, "/profile", menu),
    "credentials": (DANA, "/profile", credentials),
    "workstation": (DANA, "/profile", workstation),
    "tenant-feature": (ADMIN, f"{TENANT}/settings", adding),
    "tenant-feature-services": (ADMIN, f"{TENANT}/settings?add=aws_services", nothing),
    "tenant-note": (ADMIN, f"{TENANT}/metadata", adding),
    "add-tenant": (ADMIN, "/administrator/tenants", adding),
    "add-config": (ADMIN, "/administrator/system-settings", add_config),
    "token-created": (ADMIN, USERS, token_made),
    "create-user": (ADMIN, USERS, create_user),
    "delete-user": (ADMIN, USERS, delete_user),
    "misspelled-set": (ADMIN, "/administrator/add-permission-set", misspelled_set),
    "own-role": (ADMIN, "/administrator/add-permission-set", own_role),
    "change-set": (ADMIN, "/administrator/tenants/dev01", change_set),
    "group-actions": (ADMIN, "/administrator/groups/on-call", group_actions),
    "refused-membership": (ADMIN, "/administrator/groups/on-call/add-tenant", refused_membership),
    "narrowed-profile": (DANA, "/profile?permission_set=no-deploy", nothing),
    "planned-import": (ADMIN, "/administrator/import-users", planned_import),
    "event": (ADMIN, "/administrator/audit", one_event),
    "verified": (ADMIN, "/administrator/audit", verified),
}

DOCS: Mapping[str, tuple[str, str, Prepare, str]] = {
    "sign-in": ("", "/sign-in", nothing, "dark"),
    "profile": (ADMIN, "/profile", menu, "light"),
    "credentials": (DANA, "/profile", credentials, "light"),
    "sessions": (DANA, "/sessions", nothing, "light"),
    "local-access": (
        DANA,
        f"{LOCAL_ACCESS}?localAppName=duplo-aws-credential-process&localPort=52417&redirect=true",
        nothing,
        "light",
    ),
}


@contextmanager
def demo() -> Iterator[Demo]:
    """Run a fresh demo with its sample history."""
    with tempfile.TemporaryDirectory(prefix="daypass-pictures-") as folder:
        place = Path(folder)
        start(place, has_history=True)
        try:
            running = read(place)
            with running.setting(ENABLE_ADMIN_JIT_ON_UI, "true"):
                yield running
        finally:
            if (place / READY).exists():
                stop(place)


def pictures(
    chromium: Chromium,
    running: Demo,
    files: Mapping[str, Path],
    shot: tuple[str, str, Prepare],
    size: tuple[int, int],
    *,
    is_whole: bool = False,
) -> None:
    """Take a screenshot of one page for each scheme of *files*."""
    username, address, prepare = shot
    with new_user(chromium, running, size) as user:
        _show(user, username, address)
        prepare(user.page)
        # A picture of an error page would pass for one of the page.
        broken = [error for error in user.errors if "status of 5" in error]
        assert broken == [], f"{address}: {broken}"
        for scheme, file in files.items():
            user.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of SCHEMES
            user.page.screenshot(path=str(file), full_page=is_whole)


def _show(user: User, username: str, address: str) -> None:
    if username:
        user.open_signed_in(username, address)
    else:
        user.visit(address)


def all_pages(folder: Path) -> None:
    """Take screenshots of every page, in both schemes and both sizes."""
    groups = (("", Permission.PUBLIC), (DANA, Permission.USER), (ADMIN, Permission.ADMINISTRATOR))
    shots = {
        _named(address): (who, address, nothing)
        for who, permission in groups
        for address in addresses(permission)
    }
    with launched() as chromium, demo() as running:
        for name, (who, address, prepare) in {**shots, **EXTRA}.items():
            for size in (DESK, PHONE):
                files = {scheme: folder / f"{name}-{scheme}-{size[0]}.png" for scheme in SCHEMES}
                is_whole = prepare is nothing
                pictures(chromium, running, files, (who, address, prepare), size, is_whole=is_whole)


def docs(folder: Path) -> None:
    """Take the screenshots of the documentation."""
    with launched() as chromium, demo() as running:
        for name, (who, address, prepare, scheme) in DOCS.items():
            files = {scheme: folder / f"{name}.png"}
            pictures(chromium, running, files, (who, address, prepare), DOCS_SIZE)


def _named(address: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in address.partition("?")[0]).strip("-") + (
        "-asked" if "?" in address else ""
    )


def main(words: list[str]) -> None:
    """Take the screenshots."""
    make = docs if "--docs" in words else all_pages
    folder = Path(words[-1])
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
