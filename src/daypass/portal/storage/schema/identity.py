"""Users, their tokens, and the sign-in of browsers and command lines."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)

from daypass.portal.storage.columns import Epoch, UtcDateTime
from daypass.portal.storage.schema.base import metadata
from daypass.portal.storage.schema.groups import group_members, groups

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    # Canonical (NFKC, case-folded, trimmed), so that different spellings mean the same user.
    Column("username", String(255), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    # NULL for users without a password: service accounts, and people whose identity another provider proves.
    Column("password_hash", Text),
    Column("disabled_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_sign_in_at", UtcDateTime),
    # Read it by `user_kind`: processes of earlier releases insert rows without it.
    Column("kind", String(16)),
    # Of service accounts: the responsible user, and the purpose.
    Column("owner_id", String(32)),
    Column("description", Text, nullable=False, server_default=""),
    # The account that an operator made to sign in with when identity providers are down.
    Column("is_break_glass", Boolean, nullable=False, server_default=false()),
    Index("ix_users_created_at", "created_at", "id"),
    Index("ix_users_role", "role", "username"),
)

# A password makes the user a person whatever the column says: a process of an earlier release that sets a
# password leaves the column as it is. Without a password, NULL is a service account of an earlier release.
user_kind = case(
    (users.c.password_hash.is_not(None), literal_column("'person'", String)),
    else_=func.coalesce(users.c.kind, literal_column("'service'", String)),
).label("user_kind")

_administrators_by_group = (
    select(group_members.c.user_id)
    .join(groups, groups.c.id == group_members.c.group_id)
    # Whatever the row says: Administrators choose the members of a local group, so it makes none.
    .where(groups.c.makes_administrators, groups.c.source != literal_column("'local'", String))
)

# The role that a user has by `users.role` or by a group; nothing copies it into the column.
user_role = case(
    (users.c.role == literal_column("'Administrator'", String), users.c.role),
    (
        _administrators_by_group.where(group_members.c.user_id == users.c.id).correlate(users).exists(),
        literal_column("'Administrator'", String),
    ),
    else_=users.c.role,
).label("role")

# The same, as a condition on many users: it reads the groups once instead of once for each user.
is_administrator = or_(
    users.c.role == literal_column("'Administrator'", String), users.c.id.in_(_administrators_by_group)
)

# The first group, by name, that makes the user an Administrator; NULL if there is none.
administrator_group = (
    _administrators_by_group.with_only_columns(func.min(groups.c.name))
    .where(group_members.c.user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
)

# Users who never signed in sort before all others.
last_sign_in = type_coerce(func.coalesce(users.c.last_sign_in_at, Epoch()), UtcDateTime)

Index("ix_users_last_sign_in", last_sign_in, users.c.id)

_is_disabled = users.c.disabled_at.is_not(None)
Index("ix_users_disabled", users.c.username, sqlite_where=_is_disabled, postgresql_where=_is_disabled)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # Temporary tokens only: the end of the sign-in. Sessions issued with the token end no later.
    Column("grant_ends_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    # The token whose revocation revokes this one too. SQLite cannot add a foreign key to an existing table.
    Column("parent_id", String(32), index=True),
    Column("application", String(64), nullable=False, server_default=""),
    Column("allows_admin", Boolean, nullable=False, server_default=false()),
    # The consented scopes (RFC 6749, section 3.3); NULL if none limits the token. See `stored_scopes`.
    Column("scopes", Text),
    # A token for a legacy client is void unless it is used by then.
    Column("use_by", UtcDateTime),
    Column("address", String(64), nullable=False, server_default=""),
    # Set on permanent tokens that an Administrator created after reauthentication, for automation.
    Column("reauthentication_exempt", Boolean, nullable=False, server_default=false()),
    # When the user authorized the command line; access tokens issued since have a later created_at.
    Column("authorized_at", UtcDateTime),
    # The identity provider that proved the sign-in of a browser session; NULL for a local password.
    Column("provider", String(64)),
    # When it did so; NULL for created_at. Tokens that were issued in a browser session have its time.
    Column("authenticated_at", UtcDateTime),
    # How a user proved the identity behind a browser session, as values of RFC 8176 separated by spaces; NULL
    # for sessions of earlier releases.
    Column("authentication_methods", String(64)),
    Index("ix_api_tokens_expires_at", "expires_at", "id"),
    Index("ix_api_tokens_revoked_at", "revoked_at"),
)

devices = Table(
    "devices",
    metadata,
    # Browsers that a user has signed in with before, by the digest of their device cookie.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

guesses = Table(
    "guesses",
    metadata,
    # The digest of an account, a network or a device cookie, so that no user input is stored.
    Column("subject", LargeBinary(32), primary_key=True),
    Column("spent", Integer, nullable=False),
    Column("resets_at", UtcDateTime, nullable=False, index=True),
)

oauth_requests = Table(
    "oauth_requests",
    metadata,
    # One row for an authorization request through its whole life: pushed, decided, code issued and redeemed.
    Column("id", String(32), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("challenge", String(43), nullable=False),
    Column("state", String(128), nullable=False),
    # The redirect URI on the loopback interface; without a port, the portal shows the code itself.
    Column("redirect_port", Integer),
    Column("redirect_path", String(80)),
    Column("wants_admin", Boolean, nullable=False),
    # As in api_tokens, with `wants_admin` for the flag.
    Column("scopes", Text),
    Column("tenant", String(64), nullable=False),
    Column("device", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("address", String(64), nullable=False, index=True),
    Column("match_code", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("shown_at", UtcDateTime),
    Column("shown_to", String(32)),
    Column("decided_at", UtcDateTime),
    Column("code_digest", LargeBinary(32), unique=True),
    Column("code_expires_at", UtcDateTime),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("redeemed_at", UtcDateTime),
    Column("grant_id", String(32)),
    # The maximum age of the authentication that the application asked for, in seconds (RFC 9470).
    Column("max_age", Integer),
    # When the user who approved the request had authenticated; the tokens get this time.
    Column("authenticated_at", UtcDateTime),
)

spent_refresh_tokens = Table(
    "spent_refresh_tokens",
    metadata,
    # Refresh tokens that were used already. Reuse of one shows that it was stolen (RFC 9700, section 4.14).
    Column("digest", LargeBinary(32), primary_key=True),
    Column("grant_id", ForeignKey("api_tokens.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("spent_at", UtcDateTime, nullable=False),
)
