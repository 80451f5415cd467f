"""The registry of settings: wire name, bounds, default and help text of each."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """The type of a setting's value, and the unit in which it is stored."""

    FLAG = "flag"
    SECONDS = "seconds"
    MINUTES = "minutes"


_UNITS = {Kind.SECONDS: timedelta(seconds=1), Kind.MINUTES: timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `default` is None if AWS's own default applies while nothing is set."""

    label: str
    type: str
    key: str
    kind: Kind
    default: bool | timedelta | None
    help: str
    minimum: timedelta | None = None
    maximum: timedelta | None = None
    is_per_tenant: bool = False
    restricts: bool = False
    """Whether a flag restricts access while it is on."""

    def parse(self, text: str) -> bool | timedelta | None:
        """Return the value of *text*, or None if it is malformed or out of bounds."""
        if self.kind is Kind.FLAG:
            return {"true": True, "false": False}.get(text.strip().lower())
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
            return None
        length = int(digits) * _UNITS[self.kind]
        is_too_short = self.minimum is not None and length < self.minimum
        is_too_long = self.maximum is not None and length > self.maximum
        return None if is_too_short or is_too_long else length

    def elevates(self, old: str | None, new: str | None) -> bool:
        """Return whether changing *old* to *new* grants more or longer access; None means not set."""
        before, after = self.effective_value(old), self.effective_value(new)
        if self.kind is not Kind.FLAG:
            # AWS's own default for a role's maximum session duration.
            before, after = before or _HOUR, after or _HOUR
        if isinstance(before, timedelta) and isinstance(after, timedelta):
            return after > before
        if self.kind is Kind.FLAG:
            return before != after and after is not self.restricts
        return before != after

    def effective_value(self, written: str | None) -> bool | timedelta | None:
        """Return the effective value if *written* is stored; None means that nothing is stored."""
        value = None if written is None else self.parse(written)
        return self.default if value is None else value

    def to_text(self, value: bool | timedelta) -> str:
        """Return the stored form of a value."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value // _UNITS[self.kind])

    @property
    def accepted_values(self) -> str:
        """A description of the accepted values, for error messages."""
        if self.kind is Kind.FLAG:
            return "true or false"
        unit = _UNITS[self.kind]
        low, high = self.minimum, self.maximum
        if low is None or high is None:
            return f"a whole number of {self.kind}"
        return f"a whole number of {self.kind} from {low // unit} to {high // unit}"


FLAGS = "Flags"
APP_CONFIG = "AppConfig"
TENANT = ""
"""The type of a tenant's settings, which have none on the wire."""

_QUARTER = timedelta(seconds=900)
_HOUR = timedelta(hours=1)
_HALF_DAY = timedelta(hours=12)

ENABLE_ADMIN_JIT_ON_UI = Setting(
    label="Enable Admin AWS JIT Access On UI",
    type=FLAGS,
    key="EnableAwsAdminJitAccess",
    kind=Kind.FLAG,
    default=False,
    help="Whether the pages offer Administrators the master role. The command line serves them either way.",
)

DISABLE_NON_ADMIN_JIT = Setting(
    label="Disable Non-Admin AWS JIT Access On UI",
    type=FLAGS,
    key="DisableAwsNonAdminJitAccess",
    kind=Kind.FLAG,
    default=False,
    restricts=True,
    help="When true, only Administrators get AWS access, whether on the pages, the command line or the API.",
)

ADMIN_JIT_SESSION_DURATION = Setting(
    label="AdminJitSessionDuration",
    type=APP_CONFIG,
    key="AdminJitSessionDuration",
    kind=Kind.SECONDS,
    default=_HOUR,
    minimum=_QUARTER,
    maximum=_HALF_DAY,
    help="How long an admin session lasts, as far as the master role allows.",
)

ROLE_MAXIMUM = Setting(
    label="AWS Role Max Session Duration",
    type=APP_CONFIG,
    key="MaximumSessionDuration",
    kind=Kind.SECONDS,
    default=None,
    minimum=_HOUR,
    maximum=_HALF_DAY,
    help="The longest session that the IAM roles of all tenants allow; each role is changed in AWS.",
)

TOKEN_SESSION_DURATION = Setting(
    label="Authorization token session duration",
    type=APP_CONFIG,
    key="TokenSessionDuration",
    kind=Kind.MINUTES,
    default=timedelta(minutes=720),
    minimum=timedelta(minutes=15),
    maximum=timedelta(days=7),
    help="How long a sign-in lasts. The sessions started from it end no later.",
)

TENANT_VALIDITY = Setting(
    label="AWS Access Token Validity",
    type=TENANT,
    key="aws_access_token_validity",
    kind=Kind.SECONDS,
    default=_HOUR,
    minimum=_QUARTER,
    maximum=_HALF_DAY,
    is_per_tenant=True,
    help="How long a session in this tenant lasts, as far as its role allows.",
)

TENANT_ROLE_MAXIMUM = Setting(
    label="AWS Role Max Session Duration",
    type=TENANT,
    key="aws_role_max_session_duration",
    kind=Kind.SECONDS,
    default=None,
    minimum=_HOUR,
    maximum=_HALF_DAY,
    is_per_tenant=True,
    help="The longest session that this tenant's IAM role allows; it wins over the value for all tenants.",
)

REGISTRY = (
    ENABLE_ADMIN_JIT_ON_UI,
    DISABLE_NON_ADMIN_JIT,
    ADMIN_JIT_SESSION_DURATION,
    ROLE_MAXIMUM,
    TOKEN_SESSION_DURATION,
    TENANT_VALIDITY,
    TENANT_ROLE_MAXIMUM,
)


def find(type_: str, key: str) -> Setting | None:
    """Return the setting with this wire name, or None for a key without effect."""
    return next((setting for setting in REGISTRY if (setting.type, setting.key) == (type_, key)), None)
