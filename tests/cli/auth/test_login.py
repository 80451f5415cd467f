"""Signing in at a terminal, and what this machine keeps of it."""

import json
import stat
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.cli.auth.pending_login import Pending
from daypass.cli.auth.session_store import SessionSlot
from daypass.cli.cache.entries import Entry
from tests.cli.conftest import SCRIPT, Command, Ran
from tests.cli.sign_in import CODE, OTHER_CODE, Shell, SignInPortal, Tabs, leave_sign_in, shell
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")


@dataclass(frozen=True)
class Person:
    """Somebody with a terminal and a browser, and no token."""

    command: Command
    tabs: Tabs

    def environment(self, **more: str) -> dict[str, str]:
        """What their terminal has."""
        given = {"DAYPASS_TOKEN": "", "BROWSER": self.tabs.command, "CI": "", "TERM": "xterm"}
        return self.command.environment(**{**given, **more})

    def types(self, *words: str, **more: str) -> AbstractContextManager[Shell]:
        """A command at their terminal."""
        return shell([SCRIPT, *words], self.environment(**more))

    def program(self, *words: str, **more: str) -> Ran:
        """The same command as a program runs it, where nobody is at a terminal."""
        return self.command(*words, **self.environment(**more))

    @property
    def state(self) -> Path:
        """Where their sign-ins are kept."""
        return self.command.home / ".local" / "state" / "daypass"

    def kept(self) -> list[Path]:
        """The files with sign-ins."""
        return sorted(self.state.glob("*.sign-in"))


@pytest.fixture
def sign_in(portal: StubPortal) -> SignInPortal:
    return SignInPortal(portal)


@pytest.fixture
def person(daypass: Command, tmp_path: Path) -> Person:
    return Person(daypass, Tabs(tmp_path))


def log_in(person: Person, sign_in: SignInPortal, *words: str) -> str:
    """Sign in, by agreeing in the browser; what the terminal showed."""
    with person.types("login", *words) as sitting:
        pushed = sign_in.await_push()
        assert sign_in.answer(pushed) == 303
        code, out = sitting.end()
        assert (code, out) == (0, "")
        return sitting.seen


def test_the_first_command_signs_in_and_the_second_needs_nobody(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types(*DEV) as sitting:
        sitting.until("BCDF-GHJK")
        pushed = sign_in.await_push()
        assert person.tabs.await_one().startswith(
            f"{sign_in.stub.url}/oauth/authorize?client_id=daypass-cli&"
        )
        assert sign_in.answer(pushed) == 303
        code, out = sitting.end()

    assert code == 0
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")
    assert "Signed in to http://localhost" in sitting.seen
    assert "as dana@example.com until" in sitting.seen
    assert sign_in.issued_to == ["access_canary_1"]

    again = person.program(*DEV)
    assert (again.code, again.out) == (0, out)
    assert len(sign_in.issued_to) == 1
    assert len(person.tabs.opened) == 1


def test_what_is_pushed_says_what_is_asked_for_and_the_verifier_comes_with_the_code_alone(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)

    (pushed,), (redeemed,) = sign_in.pushed, sign_in.redeemed
    assert (pushed["scope"], pushed["code_challenge_method"]) == ("tenants", "S256")
    assert pushed["device"]
    assert "code_verifier" not in pushed
    assert len(redeemed["code_verifier"]) >= 43
    assert redeemed["redirect_uri"] == pushed["redirect_uri"]


def test_what_is_kept_is_private_and_whole(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    assert stat.S_IMODE(person.state.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in person.state.iterdir()] == [0o600] * len(
        list(person.state.iterdir())
    )
    assert {path.suffix for path in person.state.iterdir()} == {".lock", ".sign-in", ".portal"}


def test_the_tenants_names_are_known_from_the_sign_in_on(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    assert "Yours: dev01, prod01." in person.program("aws").err


def test_no_secret_reaches_the_terminal(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV, DAYPASS_DEBUG="1") as sitting:
        sign_in.answer(sign_in.await_push())
        _, out = sitting.end()

    verifier = sign_in.redeemed[0]["code_verifier"]
    for secret in ("access_canary", "refresh_canary", CODE, verifier, "canary-secret-key"):
        assert secret not in sitting.seen
    assert "refresh_canary" not in out


def test_foreign_answers_are_waited_through(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login") as sitting:
        pushed = sign_in.await_push()
        assert sign_in.answer(pushed, code=OTHER_CODE, state="x" * 22) == 404
        assert sign_in.answer(pushed, code=OTHER_CODE, iss="https://evil.example") == 404
        assert sign_in.answer(pushed) == 303
        assert sitting.end()[0] == 0

    assert [redeemed["code"] for redeemed in sign_in.redeemed] == [CODE]


def test_a_pasted_code_signs_in_too(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login") as sitting:
        sitting.until("paste it here")
        sitting.type("not a code")
        sitting.until("not the code")
        sitting.type(f"  {CODE} ")
        assert sitting.end()[0] == 0

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
def test_without_a_browser_that_reaches_us_the_page_gives_a_code(
    person: Person, sign_in: SignInPortal, words: tuple[str, ...], more: dict[str, str], why: str
) -> None:
    with person.types("login", *words, **more) as sitting:
        sitting.until(why)
        sitting.until("paste it here")
        assert sign_in.await_push()["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"
        sitting.type(CODE)
        assert sitting.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"


def test_no_browser_means_none_even_if_one_is_named(person: Person, sign_in: SignInPortal) -> None:
    with person.types("login", "--no-browser", "--browser", person.tabs.command) as sitting:
        sitting.until("paste it here")
        sitting.type(CODE)
        assert sitting.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"
    assert person.tabs.opened == []


def test_over_ssh_the_program_in_browser_is_given_the_page_that_shows_a_code(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types("login", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as sitting:
        sitting.until("paste it here")
        assert person.tabs.await_one().startswith(f"{sign_in.stub.url}/oauth/authorize?")
        sitting.type(CODE)
        assert sitting.end()[0] == 0

    assert sign_in.redeemed[0]["redirect_uri"] == f"{sign_in.stub.url}/oauth/code"


def test_a_named_browser_is_believed_to_reach_us(person: Person, sign_in: SignInPortal) -> None:
    words = ("login", "--browser", person.tabs.command)
    with person.types(*words, BROWSER="", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as sitting:
        sign_in.answer(sign_in.await_push())
        assert sitting.end()[0] == 0

    assert person.tabs.await_one()


def test_a_no_is_said_and_the_prompt_does_not_come_back_by_itself(
    person: Person, sign_in: SignInPortal
) -> None:
    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        code, out = sitting.end()
    assert (code, out) == (3, "")
    assert "declined" in sitting.seen

    program = person.program(*DEV)

    assert (program.code, program.out) == (3, "")
    assert "a moment ago" in program.err
    assert f"daypass login --host {sign_in.stub.url}" in program.err
    assert len(person.tabs.opened) == 1


def test_whoever_is_at_a_terminal_is_asked_again_at_once(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        assert sitting.end()[0] == 3

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push())
        assert sitting.end()[0] == 0


def test_ctrl_c_ends_it_and_keeps_nothing(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV) as sitting:
        sign_in.await_push()
        sitting.until("paste it here")
        sitting.press_ctrl_c()
        assert sitting.end() == (130, "")

    assert [path.suffix for path in person.state.iterdir()] == [".lock"]


def test_a_code_that_the_portal_does_not_take_signs_nobody_in(person: Person, sign_in: SignInPortal) -> None:
    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push(), code=OTHER_CODE)
        code, out = sitting.end()

    assert (code, out) == (3, "")
    assert "not known here" in sitting.seen
    assert person.kept() == []


def test_a_portal_that_calls_itself_otherwise_is_not_signed_in_to(
    person: Person, sign_in: SignInPortal
) -> None:
    sign_in.issuer = "https://evil.example"

    with person.types("login") as sitting:
        assert sitting.end()[0] == 6

    assert "calls itself https://evil.example" in sitting.seen
    assert person.tabs.opened == []


def test_a_sign_in_for_a_time_that_makes_no_sense_is_refused(person: Person, sign_in: SignInPortal) -> None:
    sign_in.life = 10**12

    with person.types("login") as sitting:
        sign_in.answer(sign_in.await_push())
        assert sitting.end()[0] == 6

    assert "lacks refresh_expires_in" in sitting.seen
    assert person.kept() == []


def test_a_program_without_browser_and_terminal_is_told_how_to_sign_in(
    person: Person, sign_in: SignInPortal
) -> None:
    ran = person.program(*DEV, BROWSER="", container="podman")

    assert (ran.code, ran.out) == (3, "")
    assert f"daypass login --host {sign_in.stub.url}" in ran.err
    assert sign_in.pushed == []


def test_a_browser_that_does_not_start_is_no_reason_to_wait(person: Person, sign_in: SignInPortal) -> None:
    ran = person.program(*DEV, BROWSER="/bin/false %s")

    assert ran.code == 3
    assert "No browser could be opened" in ran.err
    assert len(sign_in.pushed) == 1


def test_a_program_whose_browser_does_not_exist_is_told_its_name(
    person: Person,
    sign_in: SignInPortal,  # noqa: ARG001  it answers
) -> None:
    ran = person.program(*DEV, BROWSER="no-such-browser")

    assert ran.code == 3
    assert "there is no browser no-such-browser" in ran.err


def test_where_stderr_is_captured_the_terminal_behind_is_found(person: Person, sign_in: SignInPortal) -> None:
    """As the AWS CLI runs it."""
    sitting = Shell([SCRIPT, *DEV], person.environment(), captures_stderr=True)
    sitting.until("BCDF-GHJK")
    sitting.type(CODE)
    code, out = sitting.end()

    assert (code, len(sign_in.redeemed)) == (0, 1)
    assert json.loads(out)["Version"] == 1


def test_an_access_token_at_its_end_is_renewed_without_anybody(person: Person, sign_in: SignInPortal) -> None:
    sign_in.access_life = 30
    log_in(person, sign_in)
    sign_in.access_life = 3600

    first = person.program(*DEV)
    second = person.program(*DEV, "--no-cache")

    assert (first.code, second.code) == (0, 0)
    assert sign_in.refreshed == ["refresh_canary_1"]
    assert sign_in.issued_to == ["access_canary_2", "access_canary_2"]
    assert len(person.tabs.opened) == 1


def test_an_access_token_that_the_portal_ended_is_renewed_once(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    sign_in.refuses = {"access_canary_1"}

    assert person.program(*DEV).code == 0
    assert sign_in.issued_to == ["access_canary_2"]


def test_a_sign_in_that_was_ended_at_the_portal_begins_anew(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    sign_in.refuses, sign_in.ended = {"access_canary_1"}, True

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push())
        code, _ = sitting.end()

    assert code == 0
    assert "This sign-in has ended." in sitting.seen
    assert person.tabs.await_one(2)


def test_a_sign_in_too_near_its_end_begins_anew(person: Person, sign_in: SignInPortal) -> None:
    sign_in.life = 900
    log_in(person, sign_in)

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push())
        assert sitting.end()[0] == 0

    assert sign_in.refreshed == []


def test_admin_is_asked_for_by_itself_and_is_good_for_tenants_too(
    person: Person, sign_in: SignInPortal
) -> None:
    log_in(person, sign_in)
    with person.types("aws", "--admin") as sitting:
        pushed = sign_in.await_push()
        sign_in.answer(pushed)
        assert sitting.end()[0] == 0
    assert pushed["scope"] == "tenants admin"
    assert len(person.kept()) == 2

    assert person.program(*DEV).code == 0
    assert sign_in.issued_to == ["access_canary_2", "access_canary_1"]


def test_an_admin_sign_in_alone_is_used_for_tenants(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in, "--admin")

    first = person.program(*DEV)

    assert first.code == 0
    assert person.program(*DEV) == first
    assert len(person.tabs.opened) == 1


def test_a_token_that_is_given_is_used_instead(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    assert person.program(*DEV, DAYPASS_TOKEN="given_token").code == 0
    assert sign_in.issued_to == ["given_token"]


def test_each_portal_has_a_sign_in_of_its_own(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)

    elsewhere = person.program(*DEV, DAYPASS_HOST=f"http://127.0.0.1:{sign_in.stub.port}", BROWSER="")

    assert elsewhere.code == 3


def test_logging_out_tells_the_portal_and_forgets(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    assert person.program(*DEV).code == 0

    out = person.program("logout")

    assert (out.code, out.out) == (0, "")
    assert "Signed out" in out.err
    assert sign_in.revoked == ["refresh_canary_1"]
    assert person.kept() == []
    assert list(person.command.cache.glob("*.keys")) == []
    assert person.program(*DEV, BROWSER="").code == 3
    assert "This machine was not signed in" in person.program("logout").err


def test_signing_in_again_ends_the_one_before(person: Person, sign_in: SignInPortal) -> None:
    log_in(person, sign_in)
    before = person.program(*DEV)
    log_in(person, sign_in)

    assert sign_in.revoked == ["refresh_canary_1"]
    assert person.program(*DEV).out != before.out


def test_a_folder_that_others_can_read_keeps_no_sign_in(person: Person, sign_in: SignInPortal) -> None:
    person.state.mkdir(parents=True)
    person.state.chmod(0o755)

    with person.types("login") as sitting:
        assert sitting.end()[0] == 6

    assert "chmod 700" in sitting.seen
    assert sign_in.pushed == []


@pytest.mark.parametrize("harm", ["cut", "changed", "open", "link"])
def test_a_sign_in_that_was_tampered_with_is_not_used(
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

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push())
        assert sitting.end()[0] == 0

    assert sign_in.issued_to == ["access_canary_2"]


def test_what_another_version_keeps_is_as_good_as_none(tmp_path: Path) -> None:
    here, origin = {"DAYPASS_STATE_DIR": str(tmp_path / "state")}, "https://portal.example"
    leave_sign_in(here, origin)
    (path,) = (tmp_path / "state").glob("*.sign-in")
    entry = Entry.from_bytes(path.read_bytes())
    other = json.dumps({**json.loads(entry.answer), "new": 1}).encode()
    slot = SessionSlot(here, origin, admin=False, now=lambda: entry.asked_at)
    assert slot.peek() is not None

    path.write_bytes(Entry(other, entry.about, entry.asked_at, entry.good_until).to_bytes())

    assert slot.peek() is None
    with slot.locked() as locked:
        assert locked.read() is None


@pytest.mark.parametrize("kept", [{}, {"pushed": {}, "port": 1, "path": "/"}, {"pushed": 1, "port": 1}])
def test_what_another_version_asked_a_person_for_is_forgotten(kept: dict[str, object]) -> None:
    assert Pending.from_bytes(json.dumps(kept).encode()) is None
