"""Identity providers, passkeys, groups, workload identity, and owners of service accounts."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0025"
down_revision = "0024"
# An earlier release gives a member of a group nothing by it, and accepts none of the new tokens.
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the tables and add the columns."""
    _create_external_identities()
    _create_provider_sessions()
    _create_passkeys()
    _create_challenges()
    _create_groups()
    _create_group_memberships()
    _create_workload_rules()
    _create_workload_rule_tenants()
    _create_workload_tokens()
    op.add_column("users", sa.Column("owner_id", sa.String(32)))
    op.add_column("users", sa.Column("description", sa.Text, nullable=False, server_default=""))
    is_break_glass = sa.Column("is_break_glass", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("users", is_break_glass)
    op.add_column("api_tokens", sa.Column("authentication_methods", sa.String(64)))
    op.add_column("issuances", sa.Column("session_tags", sa.Text))


def _create_external_identities() -> None:
    """Create the tables of accounts and attempts at identity providers."""
    op.create_table(
        "external_identities",
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_external_identities_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("email", sa.String(320), nullable=False, server_default=""),
        sa.Column("username", sa.String(255), nullable=False, server_default=""),
        sa.Column("linked_at", UtcDateTime, nullable=False),
        sa.Column("linked_by", sa.String(32)),
        sa.Column("last_used_at", UtcDateTime),
        sa.PrimaryKeyConstraint("provider", "issuer", "subject", name=op.f("pk_external_identities")),
    )
    op.create_index("ix_external_identities_user_id", "external_identities", ["user_id"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("state_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.Text, nullable=False),
        sa.Column("next", sa.Text, nullable=False),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_sign_in_attempts_user_id"), ondelete="CASCADE"),
        ),
        sa.Column("token_id", sa.String(32)),
        sa.Column("max_age", sa.Integer),
        sa.Column("acr_values", sa.Text, nullable=False, server_default=""),
        sa.Column("address", sa.String(64), nullable=False, server_default=""),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_sign_in_attempts_expires_at", "sign_in_attempts", ["expires_at"])
    op.create_index("ix_sign_in_attempts_user_id", "sign_in_attempts", ["user_id"])


def _create_provider_sessions() -> None:
    """Create the tables of provider sessions, and of tokens that count once."""
    op.create_table(
        "provider_sessions",
        sa.Column(
            "token_id",
            sa.String(32),
            sa.ForeignKey("api_tokens.id", name=op.f("fk_provider_sessions_token_id"), ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("sid", sa.String(255)),
        sa.Column("id_token", sa.Text),
    )
    op.create_index("ix_provider_sessions_sid", "provider_sessions", ["provider", "sid"])
    op.create_index("ix_provider_sessions_subject", "provider_sessions", ["provider", "subject"])
    op.create_table(
        "used_tokens",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_used_tokens_expires_at", "used_tokens", ["expires_at"])


def _create_passkeys() -> None:
    """Create the tables of passkeys and their user handles."""
    op.create_table(
        "passkeys",
        sa.Column("credential_id", sa.LargeBinary(1023), primary_key=True),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_passkeys_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.Integer, nullable=False),
        sa.Column("device_type", sa.String(16), nullable=False),
        sa.Column("is_backed_up", sa.Boolean, nullable=False),
        sa.Column("aaguid", sa.String(36), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime),
    )
    op.create_index("ix_passkeys_user_id", "passkeys", ["user_id"])
    op.create_table(
        "webauthn_users",
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_webauthn_users_user_id"), ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("handle", sa.LargeBinary(64), nullable=False, unique=True),
    )


def _create_challenges() -> None:
    """Create the tables of WebAuthn challenges and recovery links."""
    op.create_table(
        "webauthn_challenges",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_webauthn_challenges_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("token_id", sa.String(32)),
        sa.Column("next", sa.Text, nullable=False, server_default=""),
        sa.Column("record_digest", sa.LargeBinary(32)),
        sa.Column("challenge", sa.LargeBinary(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_webauthn_challenges_expires_at", "webauthn_challenges", ["expires_at"])
    op.create_index("ix_webauthn_challenges_user_id", "webauthn_challenges", ["user_id"])
    op.create_table(
        "recovery_links",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_recovery_links_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_recovery_links_expires_at", "recovery_links", ["expires_at"])
    op.create_index("ix_recovery_links_user_id", "recovery_links", ["user_id"])


def _create_groups() -> None:
    """Create the tables of groups and their members."""
    op.create_table(
        "groups",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False, server_default=""),
        sa.Column("external_id", sa.String(255)),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("makes_administrators", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("last_matched_at", UtcDateTime),
        sa.UniqueConstraint("provider", "name", name=op.f("uq_groups_provider")),
    )
    op.create_index("ix_groups_external_id", "groups", ["provider", "external_id"])
    op.create_table(
        "group_members",
        sa.Column(
            "group_id",
            sa.String(32),
            sa.ForeignKey("groups.id", name=op.f("fk_group_members_group_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_group_members_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_members")),
    )
    op.create_index("ix_group_members_user_id", "group_members", ["user_id"])


def _create_group_memberships() -> None:
    """Create the table of the memberships that groups give."""
    op.create_table(
        "group_memberships",
        sa.Column(
            "group_id",
            sa.String(32),
            sa.ForeignKey("groups.id", name=op.f("fk_group_memberships_group_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "tenant_id",
            sa.String(36),
            sa.ForeignKey("tenants.id", name=op.f("fk_group_memberships_tenant_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("is_read_only", sa.Boolean),
        sa.Column(
            "permission_set_id",
            sa.String(32),
            sa.ForeignKey(
                "permission_sets.id", name=op.f("fk_group_memberships_permission_set_id"), ondelete="CASCADE"
            ),
        ),
        sa.Column("ends_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "tenant_id", name=op.f("pk_group_memberships")),
    )
    op.create_index("ix_group_memberships_permission_set_id", "group_memberships", ["permission_set_id"])
    op.create_index("ix_group_memberships_tenant_id", "group_memberships", ["tenant_id"])


def _create_workload_rules() -> None:
    """Create the table of rules for workloads."""
    op.create_table(
        "workload_rules",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("audience", sa.String(512), nullable=False),
        sa.Column("claims", sa.Text, nullable=False),
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_workload_rules_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("token_lifetime", sa.Integer, nullable=False),
        sa.Column("session_limit", sa.Integer, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("jwks", sa.Text),
        sa.Column("is_disabled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(32), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_workload_rules_issuer", "workload_rules", ["issuer"])
    op.create_index("ix_workload_rules_user_id", "workload_rules", ["user_id"])


def _create_workload_rule_tenants() -> None:
    """Create the table of the tenants of each rule."""
    op.create_table(
        "workload_rule_tenants",
        sa.Column(
            "rule_id",
            sa.String(32),
            sa.ForeignKey(
                "workload_rules.id", name=op.f("fk_workload_rule_tenants_rule_id"), ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column(
            "tenant_id",
            sa.String(36),
            sa.ForeignKey("tenants.id", name=op.f("fk_workload_rule_tenants_tenant_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("is_read_only", sa.Boolean),
        sa.Column(
            "permission_set_id",
            sa.String(32),
            sa.ForeignKey(
                "permission_sets.id",
                name=op.f("fk_workload_rule_tenants_permission_set_id"),
                ondelete="CASCADE",
            ),
        ),
        sa.PrimaryKeyConstraint("rule_id", "tenant_id", name=op.f("pk_workload_rule_tenants")),
    )
    op.create_index(
        "ix_workload_rule_tenants_permission_set_id", "workload_rule_tenants", ["permission_set_id"]
    )
    op.create_index("ix_workload_rule_tenants_tenant_id", "workload_rule_tenants", ["tenant_id"])


def _create_workload_tokens() -> None:
    """Create the table of the tokens that rules gave."""
    op.create_table(
        "workload_tokens",
        sa.Column(
            "token_id",
            sa.String(32),
            sa.ForeignKey("api_tokens.id", name=op.f("fk_workload_tokens_token_id"), ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "rule_id",
            sa.String(32),
            sa.ForeignKey("workload_rules.id", name=op.f("fk_workload_tokens_rule_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("ix_workload_tokens_rule_id", "workload_tokens", ["rule_id"])
