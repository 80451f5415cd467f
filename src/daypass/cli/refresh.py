"""Fresh keys, asked for once: the others that want the same wait for the first and share its answer."""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from daypass.cli import cache
from daypass.cli.ask import Ask
from daypass.cli.cache import Directory, Entry, Unfit
from daypass.cli.client import Issued, Portal
from daypass.cli.errors import Unavailable
from daypass.cli.patience import say, within

Now = Callable[[], float]

_MARGIN = 15 * 60
"""Seconds that must be left when keys are handed out: AWS's SDKs ask again when fewer are."""

_LOCK_WAIT = 35.0
"""Seconds to wait for another process that is asking already: a little longer than that one may take."""

_NOTABLE_SKEW = 5 * 60
"""AWS refuses requests signed by a clock that is wrong by more than this."""


def fresh_answer(ask: Ask, portal: Portal, now: Now) -> bytes:
    """The answer from the portal, kept nowhere."""
    return _entry(portal.issue(ask), now()).answer


def shared_answer(ask: Ask, portal: Portal, environment: Mapping[str, str], now: Now) -> bytes:
    """The kept answer, or a fresh one that is kept from now on."""
    path = cache.folder(environment)
    try:
        directory = _made(path)
    except Unfit as unfit:
        say(f"the cache {path} is not used: {unfit}. Mend it with: chmod 700 {path}, or remove it.")
        return fresh_answer(ask, portal, now)
    except OSError as error:
        say(f"the cache {path} is not used: {error.strerror}.")
        return fresh_answer(ask, portal, now)
    with directory, _alone(directory, ask):
        old = _readable(directory, ask, path)
        if old is not None and old.is_good(now()):
            return old.answer
        entry = _entry(portal.issue(ask), now())
        _tell_change(ask, old, entry)
        try:
            write(directory, ask.key(), entry)
        except OSError as error:
            say(f"the keys could not be kept in {path}: {error.strerror}.")
        return entry.answer


def clear(environment: Mapping[str, str]) -> int:
    """Remove every kept answer; says how many there were."""
    try:
        directory = Directory(cache.folder(environment))
    except FileNotFoundError:
        return 0
    with directory:
        # Locks stay: a removed one would no longer keep its holder and the next comer apart.
        names = os.listdir(directory.descriptor)  # noqa: PTH208  the folder that is held open, not a path
        kept = [name for name in names if not name.endswith(".lock")]
        for name in kept:
            os.unlink(name, dir_fd=directory.descriptor)
        return len(kept)


def write(directory: Directory, key: str, entry: Entry) -> None:
    """Keep *entry* under *key*: all of it or nothing, whoever looks and whenever we die."""
    name = f"{key}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=directory.descriptor)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(entry.to_bytes())
        os.rename(name, key, src_dir_fd=directory.descriptor, dst_dir_fd=directory.descriptor)
    except OSError:
        os.unlink(name, dir_fd=directory.descriptor)
        raise


def _made(path: str) -> Directory:
    Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache.opened(path)


@contextmanager
def _alone(directory: Directory, ask: Ask) -> Iterator[None]:
    """Hold the lock of this ask; the system takes it back when its holder ends, however that happens."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(f"{ask.key()}.lock", flags, 0o600, dir_fd=directory.descriptor)
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        within(
            _LOCK_WAIT, lambda: fcntl.flock(descriptor, fcntl.LOCK_EX), "another daypass is asking; waiting"
        )
    except TimeoutError as error:
        raise Unavailable(
            "Another daypass waits for the portal and gets no answer. Try again later."
        ) from error


def _readable(directory: Directory, ask: Ask, path: str) -> Entry | None:
    try:
        return cache.read(directory, ask.key())
    except ValueError as unfit:
        say(f"the cache entry {path}/{ask.key()} is ignored: {unfit}.")
        return None


def _entry(issued: Issued, now: float) -> Entry:
    """The entry for keys that came just now, served for as long as enough of their life is really left."""
    skew = 0.0 if issued.portal_time is None else now - issued.portal_time.timestamp()
    if abs(skew) > _NOTABLE_SKEW:
        direction = "ahead of" if skew > 0 else "behind"
        say(f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction} the portal's: set it right.")
    if issued.note:
        say(issued.note)
    # The portal's clock, not ours, says how much is left; no clock can make it more than was given.
    left = min(issued.expires_at.timestamp() - (now - skew), issued.validity)
    about = {"tenant": issued.tenant_id, "role": issued.role_arn, "user": issued.user_id}
    return Entry(
        answer=_credential_process(issued),
        about=json.dumps(about).encode(),
        asked_at=int(now),
        good_until=int(now + left - min(_MARGIN, left / 4)),
    )


def _credential_process(issued: Issued) -> bytes:
    answer = {
        "Version": 1,
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": issued.expires_at.isoformat(),
    }
    return json.dumps(answer).encode() + b"\n"


def _tell_change(ask: Ask, old: Entry | None, new: Entry) -> None:
    if old is None or old.about == new.about:
        return
    before, after = json.loads(old.about), json.loads(new.about)
    changes = [
        f"{part} {before.get(part)} became {after[part]}" for part in after if after[part] != before.get(part)
    ]
    say(f"{ask.what} is not what it was: {', '.join(changes)}. The kept keys were replaced.")
