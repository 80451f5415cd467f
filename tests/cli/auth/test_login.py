"""Signing in at a terminal, and the session that is stored."""

import json
import stat
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.cli.auth.pending_login import PendingLogin
from daypass.cli.auth.session_store import SessionSlot
from daypass.cli.cache.files import CacheFile
from tests.cli.conftest import SCRIPT, Command, Ran
from tests.cli.sign_in import CODE, OTHER_CODE, FakeBrowser, Shell, SignInPortal, leave_sign_in, shell
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")


@dataclass(frozen=True)
class Person:
    """A user with a terminal and a browser, and without a token."""

    command: Command
    tabs: FakeBrowser

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the user's terminal."""
        given = {"DAYPASS_TOKEN": "", "BROWSER": self.tabs.command, "CI": "", "TERM": "xterm"}
        return self.command.environment(**{**given, **more})

    def types(self, *words: str, **more: str) -> AbstractContextManager[Shell]:
        """Run a command at the user's terminal."""
        return shell([SCRIPT, *words], self.environment(**more))

    def program(self, *words: str, **more: str) -> Ran:
        """Run a command as a program does, without a terminal."""
        return self.command(*words, **self.environment(**more))

    @property
    def state(self) -> Path:
        """The folder of the user's sessions."""
        return self.command.home / ".local" / "state" / "daypass"

    def kept(self) -> list[Path]:
        """Return the files that hold sessions."""
        return sorted(self.state.glob("*.sign-in"))


@pytest.fixture
def sign_in(portal: StubPortal) -> SignInPortal:
    return SignInPortal(portal)


@pytest.fixture
def person(daypass: Command, tmp_path: Path) -> Person:
    return Person(daypass, FakeBrowser(tmp_path))


def log_in(person: Person, sign_in: SignInPortal, *words: str) -> str:
    """Sign in by consenting in the browser, and return the terminal's output."""
    with person.types("login", *words) as terminal:
        pushed = sign_in.await_push()
        assert sign_in.answer(pushed) == 303
        code, out = terminal.end()
        assert (code, out) == (0, "")
        return terminal.seen


def test_the_first_command_signs_in_and_the_second_uses_the_session(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types(*DEV) as terminal:
        terminal.until("BCDF-GHJK")
        pushed = sign_in.await_push()
        assert person.tabs.await_one().startswith(
            f"{sign_in.stub.url}/oauth/authorize?client_id=daypass-cli&"
        )
        assert sign_in.answer(pushed) == 303
        code, out = terminal.end()

    assert code == 0
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")
    assert "Signed in to http://localhost" in terminal.seen
    assert "as dana@example.com until" in terminal.seen
    assert sign_in.issued_to == ["access_canary_1"]

    again = person.program(*DEV)
    assert (again.code, again.out) == (0, out)
    assert len(sign_in.issued_to) == 1
    assert len(person.tabs.opened) == 1


def test_the_pushed_request_has_scope_and_challenge_and_only_the_code_exchange_the_verifier(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)

    (pushed,), (redeemed,) = sign_in.pushed, sign_in.redeemed
    assert (pushed["scope"], pushed["code_challenge_method"]) == ("tenants", "S256")
    assert pushed["device"]
    assert "code_verifier" not in pushed
    assert len(redeemed["code_verifier"]) >= 43
    assert redeemed["redirect_uri"] == pushed["redirect_uri"]


def test_session_files_are_private_and_no_temporary_file_remains(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)

    assert stat.S_IMODE(person.state.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in person.state.iterdir()] == [0o600] * len(
        list(person.state.iterdir())
    )
    assert {path.suffix for path in person.state.iterdir()} == {".lock", ".sign-in", ".portal"}


def test_a_sign_in_caches_the_tenant_names(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    assert "Yours: dev01, prod01." in person.program("aws").err


def test_a_sign_in_shows_no_secret_on_the_terminal(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV, DAYPASS_DEBUG="1") as terminal:
        sign_in.answer(sign_in.await_push())
        _, out = terminal.end()

    verifier = sign_in.redeemed[0]["code_verifier"]
    for secret in ("access_canary", "refresh_canary", CODE, verifier, "canary-secret-key"):
        assert secret not in terminal.seen
    assert "refresh_canary" not in out


def test_forged_responses_do_not_end_the_sign_in(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login") as terminal:
        pushed = sign_in.await_push()
        assert sign_in.answer(pushed, code=OTHER_CODE, state="x" * 22) == 404
        assert sign_in.answer(pushed, code=OTHER_CODE, iss="https://evil.example") == 404
        assert sign_in.answer(pushed) == 303
        assert terminal.end()[0] == 0

    assert [redeemed["code"] for redeemed in sign_in.redeemed] == [CODE]


def test_a_pasted_code_signs_in(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login") as terminal:
        terminal.until("paste it here")
        terminal.type("not a code")
        terminal.until("not the code")
        terminal.type(f"  {CODE} ")
        assert terminal.end()[0] == 0

    assert len(sign_in.redeemed) == 1


@pytest.mark.parametrize(
    ("words", "more", "why"),
    [
        (("--no-browser",), {}, "as you asked"),
        ((), {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, "a remote shell"),
        ((), {"WSL_DISTRO_NAME": "Debian", "BROWSER": ""}, "this is WSL"),
        ((), {"container": "podman", "BROWSER": ""}, "a container"),
        ((), {"BROWSER": "none"}, "there is no browser none"),
        (("--browser", "x -P work"), {}, "there is no browser x -P work"),
    ],
)
def test_without_a_local_browser_the_user_pastes_a_code(
    person: Person, sign_in: SignInPortal, words: tuple[str, ...], more: dict[str, str], why: str
) -> None:
    with person.types("login", *words, **more) as terminal:
        terminal.until(why)
        terminal.until("paste it here")
        assert sign_in.await_push()["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"
        terminal.type(CODE)
        assert terminal.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"


def test_no_browser_overrides_a_named_browser(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login", "--no-browser", "--browser", person.tabs.command) as terminal:
        terminal.until("paste it here")
        terminal.type(CODE)
        assert terminal.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"
    assert person.tabs.opened == []


def test_over_ssh_the_program_in_browser_opens_the_page_that_shows_a_code(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types("login", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as terminal:
        terminal.until("paste it here")
        assert person.tabs.await_one().startswith(f"{sign_in.stub.url}/oauth/authorize?")
        terminal.type(CODE)
        assert terminal.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"


def test_a_browser_named_by_flag_is_used_even_over_ssh(person: Person, sign_in: SignInPortal) -> None:
    words = ("login", "--browser", person.tabs.command)
    with person.types(*words, BROWSER="", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as terminal:
        sign_in.answer(sign_in.await_push())
        assert terminal.end()[0] == 0

    assert person.tabs.await_one()


def test_after_a_declined_sign_in_a_program_opens_no_further_prompt(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        code, out = terminal.end()
    assert (code, out) == (3, "")
    assert "declined" in terminal.seen

    program = person.program(*DEV)

    assert (program.code, program.out) == (3, "")
    assert "a moment ago" in program.err
    assert f"daypass login --host {sign_in.stub.url}" in program.err
    assert len(person.tabs.opened) == 1


def test_after_a_declined_sign_in_a_terminal_user_is_prompted_again(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        assert terminal.end()[0] == 3

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push())
        assert terminal.end()[0] == 0


def test_ctrl_c_ends_the_sign_in_and_stores_nothing(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV) as terminal:
        sign_in.await_push()
        terminal.until("paste it here")
        terminal.press_ctrl_c()
        assert terminal.end() == (130, "")

    assert [path.suffix for path in person.state.iterdir()] == [".lock"]


def test_a_code_that_the_portal_rejects_does_not_sign_in(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push(), code=OTHER_CODE)
        code, out = terminal.end()

    assert (code, out) == (3, "")
    assert "not known here" in terminal.seen
    assert person.kept() == []


def test_a_portal_with_another_issuer_is_refused(person: Person, sign_in: SignInPortal) -> None:
    sign_in.issuer = "https://evil.example"

    with person.types("login") as terminal:
        assert terminal.end()[0] == 6

    assert "calls itself https://evil.example" in terminal.seen
    assert person.tabs.opened == []


def test_a_session_with_an_absurd_lifetime_is_refused(person: Person, sign_in: SignInPortal) -> None:
    sign_in.life = 10**12

    with person.types("login") as terminal:
        sign_in.answer(sign_in.await_push())
        assert terminal.end()[0] == 6

    assert "lacks refresh_expires_in" in terminal.seen
    assert person.kept() == []


def test_without_browser_and_terminal_the_login_command_is_named(
    person: Person, sign_in: SignInPortal
) -> None:
    ran = person.program(*DEV, BROWSER="", container="podman")

    assert (ran.code, ran.out) == (3, "")
    assert f"daypass login --host {sign_in.stub.url}" in ran.err
    assert sign_in.pushed == []


def test_a_browser_that_fails_to_start_ends_the_command(person: Person, sign_in: SignInPortal) -> None:
    ran = person.program(*DEV, BROWSER="/bin/false %s")

    assert ran.code == 3
    assert "No browser could be opened" in ran.err
    assert len(sign_in.pushed) == 1


def test_a_browser_that_does_not_exist_is_named(
    person: Person,
    sign_in: SignInPortal,  # noqa: ARG001  the fixture answers requests
) -> None:
    ran = person.program(*DEV, BROWSER="no-such-browser")

    assert ran.code == 3
    assert "there is no browser no-such-browser" in ran.err


def test_with_captured_stderr_the_controlling_terminal_prompts(person: Person, sign_in: SignInPortal) -> None:
    """The AWS CLI runs credential_process in this way."""
    terminal = Shell([SCRIPT, *DEV], person.environment(), captures_stderr=True)
    terminal.until("BCDF-GHJK")
    terminal.type(CODE)
    code, out = terminal.end()

    assert (code, len(sign_in.redeemed)) == (0, 1)
    assert json.loads(out)["Version"] == 1


def test_an_expired_access_token_is_refreshed_without_a_prompt(person: Person, sign_in: SignInPortal) -> None:
    sign_in.access_life = 30
    log_in(person, sign_in)
    sign_in.access_life = 3600

    first = person.program(*DEV)
    second = person.program(*DEV, "--no-cache")

    assert (first.code, second.code) == (0, 0)
    assert sign_in.refreshed == ["refresh_canary_1"]
    assert sign_in.issued_to == ["access_canary_2", "access_canary_2"]
    assert len(person.tabs.opened) == 1


def test_a_revoked_access_token_is_refreshed_once(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    sign_in.revoked_tokens = {"access_canary_1"}

    assert person.program(*DEV).code == 0
    assert sign_in.issued_to == ["access_canary_2"]


def test_a_session_revoked_at_the_portal_leads_to_a_new_sign_in(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)
    sign_in.revoked_tokens, sign_in.ended = {"access_canary_1"}, True

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push())
        code, _ = terminal.end()

    assert code == 0
    assert "This sign-in has ended." in terminal.seen
    assert person.tabs.await_one(2)


def test_a_session_close_to_its_end_leads_to_a_new_sign_in(person: Person, sign_in: SignInPortal) -> None:
    sign_in.life = 900
    log_in(person, sign_in)

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push())
        assert terminal.end()[0] == 0

    assert sign_in.refreshed == []


def test_admin_access_needs_its_own_session_beside_the_one_for_tenants(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)
    with person.types("aws", "--admin") as terminal:
        pushed = sign_in.await_push()
        sign_in.answer(pushed)
        assert terminal.end()[0] == 0
    assert pushed["scope"] == "tenants admin"
    assert len(person.kept()) == 2

    assert person.program(*DEV).code == 0
    assert sign_in.issued_to == ["access_canary_2", "access_canary_1"]


def test_an_admin_session_is_used_for_tenants_if_there_is_no_other(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in, "--admin")

    first = person.program(*DEV)

    assert first.code == 0
    assert person.program(*DEV) == first
    assert len(person.tabs.opened) == 1


def test_an_ended_admin_session_is_replaced_by_one_for_tenants(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in, "--admin")
    sign_in.revoked_tokens, sign_in.ended = {"access_canary_1"}, True

    with person.types(*DEV) as terminal:
        pushed = sign_in.await_push()
        sign_in.answer(pushed)
        assert terminal.end()[0] == 0

    assert pushed["scope"] == "tenants"
    assert "This sign-in has ended." in terminal.seen
    assert len(person.kept()) == 1


def test_a_given_token_overrides_the_session(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    assert person.program(*DEV, DAYPASS_TOKEN="given_token").code == 0
    assert sign_in.issued_to == ["given_token"]


def test_each_portal_has_its_own_session(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    elsewhere = person.program(*DEV, DAYPASS_HOST=f"http://127.0.0.1:{sign_in.stub.port}", BROWSER="")

    assert elsewhere.code == 3


def test_logout_revokes_the_session_and_removes_sessions_and_credentials(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)
    assert person.program(*DEV).code == 0
    assert person.program("tenants").code == 0
    assert len(list(person.command.cache.glob("*.tenants"))) == 1

    out = person.program("logout")

    assert (out.code, out.out) == (0, "")
    assert "Signed out" in out.err
    assert sign_in.revoked == ["refresh_canary_1"]
    assert person.kept() == []
    assert list(person.command.cache.glob("*.keys")) == []
    assert list(person.command.cache.glob("*.tenants")) == []
    assert person.program(*DEV, BROWSER="").code == 3
    assert "This machine was not signed in" in person.program("logout").err


def test_a_new_sign_in_revokes_the_previous_session(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    before = person.program(*DEV)
    log_in(person, sign_in)

    assert sign_in.revoked == ["refresh_canary_1"]
    assert person.program(*DEV).out != before.out


def test_a_session_is_not_stored_in_a_folder_that_others_can_read(
    person: Person, sign_in: SignInPortal
) -> None:
    person.state.mkdir(parents=True)
    person.state.chmod(0o755)

    with person.types("login") as terminal:
        assert terminal.end()[0] == 6

    assert "chmod 700" in terminal.seen
    assert sign_in.pushed == []


@pytest.mark.parametrize("harm", ["cut", "changed", "open", "link"])
def test_a_damaged_or_unsafe_session_file_is_not_used(
    person: Person, sign_in: SignInPortal, harm: str
) -> None:
    log_in(person, sign_in)
    (kept,) = person.kept()
    content = kept.read_bytes()
    match harm:
        case "cut":
            kept.write_bytes(content[:-10])
        case "changed":
            kept.write_bytes(content.replace(b"access_canary", b"foreign_canar"))
        case "open":
            kept.chmod(0o644)
        case "link":
            kept.rename(kept.with_suffix(".moved"))
            kept.symlink_to(kept.with_suffix(".moved"))

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push())
        assert terminal.end()[0] == 0

    assert sign_in.issued_to == ["access_canary_2"]


def test_a_session_file_of_another_version_is_ignored(tmp_path: Path) -> None:
    here, origin = {"DAYPASS_STATE_DIR": str(tmp_path / "state")}, "https://portal.example"
    leave_sign_in(here, origin)
    (path,) = (tmp_path / "state").glob("*.sign-in")
    file = CacheFile.from_bytes(path.read_bytes())
    other = json.dumps({**json.loads(file.body), "new": 1}).encode()
    slot = SessionSlot(here, origin, admin=False, now=lambda: file.valid_from)
    assert slot.peek() is not None

    path.write_bytes(CacheFile(file.valid_from, file.valid_until, file.header, other).to_bytes())

    assert slot.peek() is None
    with slot.locked() as locked:
        assert locked.read() is None


@pytest.mark.parametrize("kept", [{}, {"pushed": {}, "port": 1, "path": "/"}, {"pushed": 1, "port": 1}])
def test_a_pending_request_of_another_version_is_ignored(kept: dict[str, object]) -> None:
    assert PendingLogin.from_file(CacheFile(0, 60, b"", json.dumps(kept).encode())) is None
