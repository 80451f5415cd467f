"""Keys of the demo's tenants, and AWS clients that use them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from daypass.demo.aws import Aws, Keys
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.aws.fence.permission_templates import templates
from daypass.portal.clock import utc_now
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.permission_sets.model import (
    ManagedPolicy,
    PermissionSet,
    PermissionSetId,
    PermissionSetTemplate,
)
from daypass.portal.permission_sets.store import PermissionSetStore, add_permission_set
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fixtures.demo import Demo

Membership = tuple[str, Access]


@dataclass(frozen=True, slots=True)
class Portal:
    """A demo in which every tenant has a full member and one who may only read."""

    demo: Demo
    aws: Aws
    tokens: Mapping[Membership, str]

    def keys(self, tenant: str, access: Access = Access.FULL, **ask: object) -> Keys:
        """Keys for *tenant*, from the portal, for its member with that access."""
        return self._keys(self.tokens[tenant, access], tenant=tenant, **ask)

    def admin_keys(self) -> Keys:
        """Keys for the master role, from the portal, for an Administrator."""
        return self._keys(self.demo.token("admin@example.com"), admin=True)

    def _keys(self, token: str, **ask: object) -> Keys:
        answer = self.demo.visitor(token).session(**ask)
        assert answer.status == 201, answer.body
        given = answer.body["credentials"]
        return Keys(
            given["access_key_id"], Secret(given["secret_access_key"]), Secret(given["session_token"])
        )

    def client(self, service: str, keys: Keys) -> Any:  # noqa: ANN401  one of five clients
        """A client of that service with those keys."""
        return getattr(self.aws.with_keys(keys), service)


def portal_with_members(demo: Demo) -> Portal:
    """Give every tenant of a running demo two members of its own, and answer with their tokens."""
    database = Database(f"sqlite:///{demo.folder / 'daypass.db'}")
    committer = Committer(database, utc_now)
    identity = Identity(database, committer, utc_now)
    tokens = {
        (name, access): _add_member(identity, TenantId(tenant["id"]), access)
        for name, tenant in demo.tenants.items()
        for access in Access
    }
    with database.writing() as connection:
        for template in templates():
            _add_set(connection, template)
    committer.close()
    database.close()
    return Portal(demo, demo.root, tokens)


def _add_set(connection: Connection, template: PermissionSetTemplate) -> None:
    """Add the permission set of a template, unless another worker has."""
    if PermissionSetStore(connection).find(template.name) is None:
        policies = tuple(ManagedPolicy.parse(text) for text in template.policies)
        own = PermissionSet(
            PermissionSetId(uuid.uuid4().hex),
            template.name,
            template.description,
            template.rank,
            policies=policies,
        )
        add_permission_set(own, at=utc_now()).apply(connection)


def _add_member(identity: Identity, tenant_id: TenantId, access: Access) -> str:
    # A name that no other worker's matrix has given.
    user = identity.create_user(f"{uuid.uuid4().hex}@example.com", Role.USER, None, OPERATOR)
    with identity.database.writing() as connection:
        TenantStore(connection).add_member(tenant_id, user.id, access, identity.clock())
    token, _ = identity.create_token(user, TokenKind.PERMANENT, "matrix", OPERATOR)
    return token.reveal()
