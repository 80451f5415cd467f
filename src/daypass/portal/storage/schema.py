"""The tables of the database."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    case,
    false,
    func,
    literal_column,
    type_coerce,
)

from daypass.portal.storage.columns import Epoch, UtcDateTime

# Migrations refer to constraints by these names, which must be the same in both databases.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Index("ix_users_created_at", "created_at", "id"),
    Index("ix_users_role", "role", "username"),
)

# A password makes the user a person whatever the column says: a process of an earlier release that sets a
# password leaves the column as it is. Without a password, NULL is a service account of an earlier release.
user_kind = case(
    (users.c.password_hash.is_not(None), literal_column("'person'", String)),
    else_=func.coalesce(users.c.kind, literal_column("'service'", String)),
).label("user_kind")

# Users who never signed in sort before all others.
last_sign_in = type_coerce(func.coalesce(users.c.last_sign_in_at, Epoch()), UtcDateTime)

Index("ix_users_last_sign_in", last_sign_in, users.c.id)

_is_disabled = users.c.disabled_at.is_not(None)
Index("ix_users_disabled", users.c.username, sqlite_where=_is_disabled, postgresql_where=_is_disabled)

tenants = Table(
    "tenants",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("region", String(32), nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("external_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_tenants_created_at", "created_at", "id"),
    Index("ix_tenants_role_arn", "role_arn"),
)

permission_sets = Table(
    "permission_sets",
    metadata,
    # Custom sets; the built-in ones have no rows.
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("policies", Text, nullable=False),
    Column("denies", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    # NULL for a custom permission set. Otherwise it decides: an earlier release changes this column only.
    Column("is_read_only", Boolean),
    Column("created_at", UtcDateTime, nullable=False),
    Column("permission_set_id", ForeignKey("permission_sets.id"), index=True),
    PrimaryKeyConstraint("user_id", "tenant_id"),
)

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
    # When it did so; NULL for created_at.
    Column("authenticated_at", UtcDateTime),
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

# Tables and columns keep their first names, also where the code has another term since. This is the table of
# rate limits. Below, `door` is the channel, `asked_at` the time of the request, `role_facts` the cache of the
# roles' state in AWS, and `plain_until` the time until which a role is assumed without attribution.
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
)

sealing_keys = Table(
    "sealing_keys",
    metadata,
    # One key for each purpose, shared by all replicas so that each can open what another sealed.
    Column("purpose", String(32), primary_key=True),
    Column("key", LargeBinary(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

spent_refresh_tokens = Table(
    "spent_refresh_tokens",
    metadata,
    # Refresh tokens that were used already. Reuse of one shows that it was stolen (RFC 9700, section 4.14).
    Column("digest", LargeBinary(32), primary_key=True),
    Column("grant_id", ForeignKey("api_tokens.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("spent_at", UtcDateTime, nullable=False),
)

staged_imports = Table(
    "staged_imports",
    metadata,
    # An uploaded user import between preview and completion; the latest one of each Administrator.
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(32), nullable=False),
    Column("content", Text, nullable=False),
    # The version of the previewed changes, for each batch of lines.
    Column("seen", Text, nullable=False, server_default=""),
    # The number of lines applied, and the number of those that changed anything.
    Column("taken", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("staged_at", UtcDateTime, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    # The id of a tenant, or "" for system settings.
    Column("tenant_id", String(36), nullable=False),
    Column("type", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(32), nullable=False),
    PrimaryKeyConstraint("tenant_id", "type", "key"),
)

tenant_metadata = Table(
    "tenant_metadata",
    metadata,
    # Key-value pairs that Administrators attach to a tenant; the portal itself does not use them.
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(32), nullable=False),
    PrimaryKeyConstraint("tenant_id", "key"),
)

issuances = Table(
    "issuances",
    metadata,
    Column("id", String(32), primary_key=True),
    # No foreign keys: issuances outlive their users and tenants.
    Column("user_id", String(32), nullable=False),
    Column("username", String(255), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("tenant_id", String(36)),
    Column("tenant_name", String(64)),
    Column("role_arn", Text, nullable=False),
    # For earlier releases: "full", or "read-only" for every other permission set.
    Column("access", String(16), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("door", String(16), nullable=False),
    Column("token_id", String(32)),
    Column("address", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("failure", String(32)),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("validity", Integer, nullable=False),
    Column("decided_by", String(32), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("access_key_id", String(128)),
    # False if the role's trust policy refuses identity and tags: AWS cannot deny such a session individually.
    Column("is_attributed", Boolean),
    # The name of the permission set; NULL in rows of earlier releases, and for denied attempts.
    Column("permission_set", String(64)),
    Index(
        # Attempts without an outcome are few, and each process searches for abandoned ones.
        "ix_issuances_requested",
        "asked_at",
        sqlite_where=literal_column("state = 'requested'"),
        postgresql_where=literal_column("state = 'requested'"),
    ),
    Index("ix_issuances_asked_at", "asked_at", "id"),
    Index("ix_issuances_user_id_asked_at", "user_id", "asked_at"),
    Index("ix_issuances_tenant_id_asked_at", "tenant_id", "asked_at"),
)

role_facts = Table(
    "role_facts",
    metadata,
    Column("role_arn", Text, primary_key=True),
    Column("maximum", Integer),
    Column("maximum_read_at", UtcDateTime),
    # Until then the role is assumed without identity and tags, because its trust policy refused them.
    Column("plain_until", UtcDateTime),
)

role_changes = Table(
    "role_changes",
    metadata,
    # The desired maximum of each role that a setting covers; replaced when the setting changes.
    Column("role_arn", Text, primary_key=True),
    # NULL for the master role.
    Column("tenant_id", String(36)),
    Column("maximum", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_role_changes_outcome", "outcome", "role_arn"),
)

role_services = Table(
    "role_services",
    metadata,
    # The roles that a tenant's setting limits to some AWS services, or limited before.
    Column("role_arn", Text, primary_key=True),
    Column("tenant_id", String(36), nullable=False),
    # In the notation of the setting; empty if the limit is to be removed from the role.
    Column("services", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

replica_probes = Table(
    "replica_probes",
    metadata,
    # One row for each process, written by its readiness probe.
    Column("replica_id", String(32), primary_key=True),
    Column("probed_at", UtcDateTime, nullable=False),
)

audit_verifications = Table(
    "audit_verifications",
    metadata,
    # A single row: the latest verification of the audit log that was started on a page, on any replica.
    Column("subject", String(16), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    # By the database's clock. If a running verification is not renewed for a while, its process has died.
    Column("renewed_at", UtcDateTime, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("ended_at", UtcDateTime),
    # A JSON array of strings; NULL until all events are read.
    Column("problems", Text),
    Column("refusal", Text, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("chain_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(64), nullable=False),
    Column("actor_id", String(32)),
    Column("actor", String(255), nullable=False),
    Column("tenant_id", String(36)),
    Column("subject", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    # Canonical JSON, exactly the hashed text.
    Column("detail", Text, nullable=False),
    Column("request_id", String(32), nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("chain_id", "position"),
    UniqueConstraint("hash"),
    Index("ix_audit_events_at", "at"),
    Index("ix_audit_events_action_at", "action", "at"),
    Index("ix_audit_events_actor_id_at", "actor_id", "at"),
    Index("ix_audit_events_tenant_id_at", "tenant_id", "at"),
)

verified_policies = Table(
    "verified_policies",
    metadata,
    # The managed policies of the fence that the last verification of an account found in it.
    Column("account_id", String(12), nullable=False),
    Column("policy_name", String(128), nullable=False),
    # The SHA-256 of the document, in hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("verified_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("account_id", "policy_name"),
)

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    # A single row, which `migrate` replaces: the schema revision that a release must have at least to work
    # with this database, and the version of Daypass that migrated it last.
    Column("oldest_compatible", String(32), primary_key=True),
    Column("migrated_by", String(64), nullable=False),
)
