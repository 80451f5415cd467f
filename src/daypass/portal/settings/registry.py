"""The registry of settings: every setting that has an effect, by its wire name.

The labels, types and keys are those of the manual and of the legacy clients. They are fixed, also where a
label says less than the setting does: a flag “On UI” may apply to the API, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from daypass.common.session_limits import MAXIMUM_DURATION, MINIMUM_DURATION, MINIMUM_ROLE_MAXIMUM
from daypass.portal.settings.codecs import Choice, Duration, Flag, MaximumAge, Names, Unit
from daypass.portal.settings.setting import TENANT, Setting, unknown_setting

FLAGS = "Flags"
APP_CONFIG = "AppConfig"

_QUARTER_HOUR = timedelta(minutes=15)
_HOUR = timedelta(hours=1)

# The bounds of AssumeRole's DurationSeconds and of an IAM role's MaxSessionDuration.
_SESSION = Duration(Unit.SECONDS, MINIMUM_DURATION, MAXIMUM_DURATION)
_MAXIMUM = Duration(Unit.SECONDS, MINIMUM_ROLE_MAXIMUM, MAXIMUM_DURATION)
# A reauthentication counts for five minutes (`identity.reauthentication`), so none could satisfy less. A
# command line is signed in for twelve hours, so more would have no effect there.
_AUTHENTICATION_AGE = MaximumAge(Unit.MINUTES, timedelta(minutes=5), timedelta(hours=12))

ENABLE_ADMIN_JIT_ON_UI = Setting(
    label="Enable Admin AWS JIT Access On UI",
    type=FLAGS,
    key="EnableAwsAdminJitAccess",
    codec=Flag(),
    default=False,
    help="Whether the pages offer Administrators the master role. The command line serves them either way.",
    documentation=(
        "The master role administers the AWS account. While the flag is off, the pages have no entries "
        "for it, and a page's request for it is refused."
    ),
)

DISABLE_NON_ADMIN_JIT = Setting(
    label="Disable Non-Admin AWS JIT Access On UI",
    type=FLAGS,
    key="DisableAwsNonAdminJitAccess",
    codec=Flag(restricts=True),
    default=False,
    help="When true, only Administrators get AWS access, whether on the pages, the command line or the API.",
    documentation=(
        "Users still sign in and see the resources of their tenants. Sessions that were issued before are "
        "not ended, because AWS does not ask the portal again."
    ),
)

ADMIN_JIT_SESSION_DURATION = Setting(
    label="AdminJitSessionDuration",
    type=APP_CONFIG,
    key="AdminJitSessionDuration",
    codec=_SESSION,
    default=_HOUR,
    help="How long an admin session lasts, as far as the master role allows.",
    documentation=(
        "Above one hour, a portal that manages IAM roles also raises the maximum session duration of the "
        "master role."
    ),
)

ROLE_MAXIMUM = Setting(
    label="AWS Role Max Session Duration",
    type=APP_CONFIG,
    key="MaximumSessionDuration",
    codec=_MAXIMUM,
    default=None,
    help="The longest session that the IAM roles of all tenants allow; each role is changed in AWS.",
    documentation=(
        "It cannot be set below a tenant's own maximum. While it is not set, the portal changes only the "
        "roles of tenants with a maximum of their own. After it is removed, the roles keep their current "
        "maximum."
    ),
    widget=_MAXIMUM.list_of_hours(),
)

TOKEN_SESSION_DURATION = Setting(
    label="Authorization token session duration",
    type=APP_CONFIG,
    key="TokenSessionDuration",
    codec=Duration(Unit.MINUTES, _QUARTER_HOUR, timedelta(days=7)),
    default=timedelta(minutes=720),
    help="How long a sign-in lasts. The sessions started from it end no later.",
    documentation=(
        "It applies to each sign-in in the browser that begins after the change, and to the sessions of "
        "the command line that derive from it."
    ),
)

PASSKEY_REQUIRED = Setting(
    label="Require Passkeys",
    type=APP_CONFIG,
    key="RequirePasskeys",
    codec=Choice(
        (("off", "Off"), ("administrators", "Administrators"), ("everyone", "Everyone with a password"))
    ),
    default="off",
    help="The users who must show a passkey after the password, and confirm changes with it.",
    documentation=(
        "A user who needs a passkey and has none registers one at the next sign-in, after the password and "
        "before anything else. Users with a passkey are always asked for it after their password, whatever "
        "this setting says. It does not concern sign-ins at an identity provider. Passkeys need a public "
        "URL with a host name; where it has an IP address, a user who needs a passkey cannot sign in."
    ),
)

AUTHENTICATION_AGE = Setting(
    label="Maximum Authentication Age",
    type=APP_CONFIG,
    key="MaximumAuthenticationAge",
    codec=_AUTHENTICATION_AGE,
    default=None,
    help="How long ago a user may have authenticated to get an AWS session, in any tenant or as admin.",
    documentation=(
        "A user whose authentication is older confirms their identity first: on the page, or in the browser "
        "that the command line opens. Sessions that were issued before, and keys in caches, stay valid until "
        "they expire. If a tenant has a value of its own too, the shorter one applies. Permanent API tokens "
        "cannot prove an authentication, so they get no session while a limit applies."
    ),
)

TENANT_VALIDITY = Setting(
    label="AWS Access Token Validity",
    type=TENANT,
    key="aws_access_token_validity",
    codec=_SESSION,
    default=_HOUR,
    help="How long a session in this tenant lasts, as far as its role allows.",
    documentation=(
        "A session is shorter if the caller asks for less, if the role's maximum is shorter, or if the "
        "sign-in ends earlier. The tenant's page **Settings** shows the limit that applies."
    ),
)

TENANT_ROLE_MAXIMUM = Setting(
    label="AWS Role Max Session Duration",
    type=TENANT,
    key="aws_role_max_session_duration",
    codec=_MAXIMUM,
    default=None,
    help="The longest session that this tenant's IAM role allows; it wins over the value for all tenants.",
    documentation=(
        "It cannot exceed `MaximumSessionDuration`. While it is not set, the value for all tenants applies."
    ),
    widget=_MAXIMUM.list_of_hours("Select Duration Hour"),
)


TENANT_SERVICES = Setting(
    label="AWS Services",
    type=TENANT,
    key="aws_services",
    codec=Names("names of AWS services that tenants may use, such as sqs or lambda"),
    default=None,
    help="The AWS services that this tenant's role may use; the role denies all others.",
    documentation=(
        "While it is not set, the tenant may use every service that its role allows. The portal writes it to "
        "the role as the inline policy `services`, which also applies to sessions that are running. Services "
        "with the same prefix of IAM actions are allowed together."
    ),
)

TENANT_AUTHENTICATION_AGE = Setting(
    label="Maximum Authentication Age",
    type=TENANT,
    key="aws_maximum_authentication_age",
    codec=_AUTHENTICATION_AGE,
    default=None,
    help="How long ago a user may have authenticated to get an AWS session in this tenant.",
    documentation=(
        "If `MaximumAuthenticationAge` is set too, the shorter one applies. "
        "[Recent authentication](../guides/recent-authentication.md) says what users and programs see."
    ),
)

TENANT_EXEMPTS_WORKLOADS = Setting(
    label="Exempt Workloads From Maximum Authentication Age",
    type=TENANT,
    key="aws_workloads_exempt_from_authentication_age",
    codec=Flag(),
    default=False,
    help="Whether workload rules give sessions in this tenant although a workload cannot authenticate again.",
    documentation=(
        "It has an effect only while a maximum authentication age applies to the tenant. Each job still "
        "proves its identity with an ID token, and the workload rules of the tenant still apply. Permanent "
        "API tokens are not exempt."
    ),
)


class Registry:
    """The settings that a portal has, in the order of its forms."""

    def __init__(self, settings: Iterable[Setting[Any]]) -> None:
        self._by_name: Mapping[tuple[str, str], Setting[Any]] = {
            (setting.type, setting.key): setting for setting in settings
        }

    def __iter__(self) -> Iterator[Setting[Any]]:
        """Iterate over the settings."""
        return iter(self._by_name.values())

    def find(self, type_: str, key: str) -> Setting[Any]:
        """Return the setting with this wire name; one without effect if the portal has none."""
        return self._by_name.get((type_, key)) or unknown_setting(type_, key)

    def of_type(self, type_: str) -> Sequence[Setting[Any]]:
        """Return the settings of one type."""
        return [setting for setting in self if setting.type == type_]

    @property
    def system_types(self) -> Sequence[str]:
        """The types of the settings of the whole portal, sorted."""
        return sorted({setting.type for setting in self if not setting.is_per_tenant})


REGISTRY = Registry(
    (
        ENABLE_ADMIN_JIT_ON_UI,
        DISABLE_NON_ADMIN_JIT,
        ADMIN_JIT_SESSION_DURATION,
        ROLE_MAXIMUM,
        TOKEN_SESSION_DURATION,
        PASSKEY_REQUIRED,
        AUTHENTICATION_AGE,
        TENANT_VALIDITY,
        TENANT_ROLE_MAXIMUM,
        TENANT_SERVICES,
        TENANT_AUTHENTICATION_AGE,
        TENANT_EXEMPTS_WORKLOADS,
    )
)
