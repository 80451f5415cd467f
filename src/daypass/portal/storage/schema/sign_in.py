"""Sign-in at identity providers: linked accounts, attempts, provider sessions, and used tokens."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

external_identities = Table(
    "external_identities",
    metadata,
    # The accounts of users at identity providers. The issuer belongs to the key: an operator can point the
    # name of a provider at another issuer, whose subjects are other people.
    Column("provider", String(64), nullable=False),
    Column("issuer", String(512), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    # For display only: people can change both at many providers.
    Column("email", String(320), nullable=False, server_default=""),
    Column("username", String(255), nullable=False, server_default=""),
    Column("linked_at", UtcDateTime, nullable=False),
    # The id of the user who linked the account; NULL if a sign-in or a provisioning did.
    Column("linked_by", String(32)),
    Column("last_used_at", UtcDateTime),
    PrimaryKeyConstraint("provider", "issuer", "subject"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    # One row for each authentication request (OpenID Connect Core, section 3.1.2.1) without an answer. The
    # answer deletes it first, so it counts once.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("state_digest", LargeBinary(32), nullable=False),
    Column("nonce", String(64), nullable=False),
    # The PKCE code verifier (RFC 7636), encrypted.
    Column("verifier", Text, nullable=False),
    Column("next", Text, nullable=False),
    # The user who links an account or authenticates again; NULL for a sign-in.
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("token_id", String(32)),
    # The demanded max_age in seconds and acr_values (OpenID Connect Core, section 3.1.2.1).
    Column("max_age", Integer),
    Column("acr_values", Text, nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

provider_sessions = Table(
    "provider_sessions",
    metadata,
    # The sessions at identity providers that browser sessions began with, for logout.
    Column("token_id", ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("issuer", String(512), nullable=False),
    Column("subject", String(255), nullable=False),
    # The claim `sid` (OpenID Connect Back-Channel Logout, section 2.1); NULL if the provider sends none.
    Column("sid", String(255)),
    # The ID token, encrypted, if the provider needs it as id_token_hint at logout.
    Column("id_token", Text),
    Index("ix_provider_sessions_subject", "provider", "subject"),
    Index("ix_provider_sessions_sid", "provider", "sid"),
)

used_tokens = Table(
    "used_tokens",
    metadata,
    # The digests of issuer and `jti` of tokens that count once: logout tokens, and ID tokens of workloads.
    # The insert is the lock.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

passkeys = Table(
    "passkeys",
    metadata,
    # WebAuthn credentials (Web Authentication, section 6).
    Column("credential_id", LargeBinary(1023), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("device_type", String(16), nullable=False),
    Column("is_backed_up", Boolean, nullable=False),
    Column("aaguid", String(36), nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)

webauthn_users = Table(
    "webauthn_users",
    metadata,
    # The random user handle of each user with passkeys, which authenticators store.
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("handle", LargeBinary(64), nullable=False, unique=True),
)

webauthn_challenges = Table(
    "webauthn_challenges",
    metadata,
    # The challenges without an answer. The answer deletes the row first, so it counts once.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", String(16), nullable=False),
    # The browser session that asks; NULL for a second factor, which comes before there is one.
    Column("token_id", String(32)),
    # The page to return to after the sign-in.
    Column("next", Text, nullable=False, server_default=""),
    # For a second factor: the digest of the facts that the first one was checked against. The sign-in is
    # refused if the password or the account was changed since.
    Column("record_digest", LargeBinary(32)),
    Column("challenge", LargeBinary(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

recovery_links = Table(
    "recovery_links",
    metadata,
    # One-time links by which a user without their passkeys signs in, made by an Administrator.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_by", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

claims_checks = Table(
    "claims_checks",
    metadata,
    # One row for each running `daypass portal doctor --claims`, which deletes it at its end.
    Column("id", String(32), primary_key=True),
    Column("provider", String(64), nullable=False),
    # The findings on the person's claims, as JSON; NULL until the person has signed in at the provider.
    Column("findings", Text),
    Column("expires_at", UtcDateTime, nullable=False),
)
