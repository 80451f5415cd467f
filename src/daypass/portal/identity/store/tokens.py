"""Queries for API tokens, and the changes of their rows; only digests of secrets are stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, case, delete, func, insert, or_, select, update

from daypass.portal.identity.model import CONSENTED_KINDS, ApiToken, TokenId, TokenKind, User, UserId
from daypass.portal.identity.scopes import TENANTS_AND_ADMIN, TENANTS_ONLY, format_scopes, stored_scopes
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.prepared import Prepared, ResultRow
from daypass.portal.storage.schema.identity import api_tokens, user_kind, user_role, users
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange

_ADD = insert(api_tokens)

_REVOKE_BY_DIGEST = (
    update(api_tokens)
    .where(
        api_tokens.c.digest == bindparam("ended_digest"),
        api_tokens.c.kind == TokenKind.BROWSER.value,
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)

_MOVE_CHILDREN = (
    update(api_tokens)
    .where(api_tokens.c.parent_id == bindparam("old_parent"))
    .values(parent_id=bindparam("new_parent"))
)

_REVOKE_OLDEST = (
    update(api_tokens)
    .where(
        api_tokens.c.id.in_(
            select(api_tokens.c.id)
            .where(
                api_tokens.c.user_id == bindparam("owner_id"),
                api_tokens.c.kind == bindparam("dropped_kind"),
                api_tokens.c.revoked_at.is_(None),
                api_tokens.c.expires_at > bindparam("now"),
            )
            .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
            .offset(bindparam("kept", type_=Integer))
        )
    )
    .values(revoked_at=bindparam("now"))
)

_REVOKE_REPLACED = (
    update(api_tokens)
    .where(
        api_tokens.c.user_id == bindparam("owner_id"),
        api_tokens.c.kind == bindparam("replaced_kind"),
        api_tokens.c.application == bindparam("replaced_application"),
        # The flag, because rows of the release before this one have no list of scopes.
        api_tokens.c.allows_admin == bindparam("replaced_admin"),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)

_RECORD_FIRST_USE = (
    update(api_tokens)
    .where(api_tokens.c.id == bindparam("token_id"), api_tokens.c.last_used_at.is_(None))
    .values(last_used_at=bindparam("used_at"), address=bindparam("seen_at"))
)

_UPDATE_ADDRESS = (
    update(api_tokens).where(api_tokens.c.id == bindparam("token_id")).values(address=bindparam("seen_at"))
)

_c = api_tokens.c
_children = api_tokens.alias("standing")

_DELETE_ENDED = delete(api_tokens).where(
    _c.id.in_(
        select(_c.id)
        .where(
            or_(_c.expires_at <= bindparam("ended_before"), _c.revoked_at <= bindparam("ended_before")),
            # A parent is deleted after its children: without it, a child would seem to have never had one.
            ~select(_children.c.id).where(_children.c.parent_id == _c.id).exists(),
        )
        .limit(1000)
        # SKIP LOCKED: replicas that delete the same rows in another order would deadlock.
        .with_for_update(skip_locked=True)
    )
)

_REVOKE = (
    update(api_tokens)
    .where(
        api_tokens.c.id == bindparam("ended_id"),
        api_tokens.c.user_id == bindparam("owner_id"),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)

END_ADMINISTRATION = (
    update(api_tokens)
    .where(or_(api_tokens.c.reauthentication_exempt, api_tokens.c.allows_admin))
    .values(
        reauthentication_exempt=False,
        allows_admin=False,
        # Any other list is left as it is: without the flag, administration in it counts for nothing.
        scopes=case(
            (api_tokens.c.scopes == format_scopes(TENANTS_AND_ADMIN), format_scopes(TENANTS_ONLY)),
            else_=api_tokens.c.scopes,
        ),
    )
)
"""Ends the reauthentication exemption and the admin access of tokens; a user of it says whose tokens."""

_END_ADMINISTRATION = END_ADMINISTRATION.where(api_tokens.c.user_id == bindparam("owner_id"))

_RECORD_USE = Prepared(
    update(api_tokens)
    .where(
        # SKIP LOCKED: replicas that update the same tokens in another order would deadlock.
        api_tokens.c.id.in_(
            select(api_tokens.c.id)
            .where(api_tokens.c.id == bindparam("token_id"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(last_used_at=bindparam("used_at"))
)

_TOKEN = (
    api_tokens.c.id,
    api_tokens.c.kind,
    api_tokens.c.name,
    api_tokens.c.user_id,
    api_tokens.c.created_at,
    api_tokens.c.expires_at,
    api_tokens.c.grant_ends_at,
    api_tokens.c.last_used_at,
    api_tokens.c.parent_id,
    api_tokens.c.application,
    api_tokens.c.allows_admin,
    api_tokens.c.scopes,
    api_tokens.c.use_by,
    api_tokens.c.address,
    api_tokens.c.reauthentication_exempt,
    api_tokens.c.authorized_at,
    api_tokens.c.provider,
    api_tokens.c.authenticated_at,
    api_tokens.c.authentication_methods,
)

parents = api_tokens.alias("parents")
"""The sessions and grants that other tokens are children of."""

ENDED_AT = func.coalesce(api_tokens.c.revoked_at, parents.c.revoked_at)
"""When a token or its parent was revoked; needs a left join with `parents`."""

_BEARER = Prepared(
    select(*_TOKEN, ENDED_AT.label("ended_at"), users.c.username, user_role, user_kind, users.c.disabled_at)
    .join(users, users.c.id == api_tokens.c.user_id)
    .outerjoin(parents, parents.c.id == api_tokens.c.parent_id)
    .where(api_tokens.c.digest == bindparam("digest"))
)

_child = api_tokens.alias()

_LOCK = Prepared(
    select(api_tokens.c.id, api_tokens.c.parent_id)
    .join(users, users.c.id == api_tokens.c.user_id)
    .where(
        or_(
            api_tokens.c.id == bindparam("token_id"),
            api_tokens.c.id
            == select(_child.c.parent_id).where(_child.c.id == bindparam("token_id")).scalar_subquery(),
        )
    )
    # The token is locked before its parent: two transactions that lock in one order cannot deadlock.
    .order_by((api_tokens.c.id == bindparam("token_id")).desc())
    .with_for_update(read=True)
)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, its owner, and whether either of them was revoked or disabled since."""

    token: ApiToken
    user: User
    is_revoked: bool
    is_disabled: bool


class TokenStore:
    """Queries for API tokens; only their digests are stored."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_bearer(self, digest: bytes) -> Bearer | None:
        """Return the token of that digest with its owner, in whatever state they are."""
        row = _BEARER.first(self._connection, {"digest": digest})
        if row is None:
            return None
        user = user_of(row.user_id, row.username, row.role, row.user_kind)
        return Bearer(_token(row), user, row.ended_at is not None, row.disabled_at is not None)

    def lock(self, token_id: TokenId) -> None:
        """Lock the rows of a token, its parent and its owner against changes until the transaction ends.

        Memberships, tenants and settings are not locked here. Their changes are exclusive units of
        `ChangeExecutor`, which wait for the shared advisory lock of every unit with a precondition. SQLite
        needs no lock, because it has one writer.
        """
        if self._connection.dialect.name == "sqlite":
            return
        parent_ids = {row.id: row.parent_id for row in _LOCK.all(self._connection, {"token_id": token_id})}
        # While this waited, a reauthentication may have moved the token to another parent.
        if parent_ids.get(token_id) not in {None, *parent_ids}:
            _LOCK.all(self._connection, {"token_id": token_id})

    def is_ended(self, token_id: TokenId) -> bool:
        """Return whether a token or its parent was revoked; locks both until the transaction ends."""
        self.lock(token_id)
        live = select(api_tokens.c.id).outerjoin(parents, parents.c.id == api_tokens.c.parent_id)
        live_id = self._connection.scalar(live.where(api_tokens.c.id == token_id, ENDED_AT.is_(None)))
        return live_id is None

    def is_known(self, token_id: TokenId) -> bool:
        """Return whether a token of that ID exists, revoked ones included."""
        return self._connection.scalar(select(api_tokens.c.id).where(api_tokens.c.id == token_id)) is not None

    def can_be_revoked(self, token_id: TokenId, owner_id: UserId) -> bool:
        """Return whether that owner has a token of that ID which was not revoked itself."""
        conditions = (_c.id == token_id, _c.user_id == owner_id, _c.revoked_at.is_(None))
        return is_storable(token_id) and self._connection.scalar(select(_c.id).where(*conditions)) is not None

    def list_for(self, user_id: UserId, kinds: Collection[TokenKind], now: datetime) -> Sequence[ApiToken]:
        """Return a user's valid tokens of the given kinds, oldest first."""
        rows = self._connection.execute(
            select(*_TOKEN)
            .outerjoin(parents, parents.c.id == api_tokens.c.parent_id)
            .where(
                api_tokens.c.user_id == user_id,
                api_tokens.c.kind.in_([kind.value for kind in kinds]),
                ENDED_AT.is_(None),
                api_tokens.c.expires_at > now,
                or_(
                    api_tokens.c.use_by.is_(None),
                    api_tokens.c.use_by > now,
                    api_tokens.c.last_used_at.is_not(None),
                ),
            )
            .order_by(api_tokens.c.created_at, api_tokens.c.id)
        )
        return [_token(row) for row in rows]


def _token(row: ResultRow) -> ApiToken:
    return ApiToken(
        TokenId(row.id),
        TokenKind(row.kind),
        row.name,
        UserId(row.user_id),
        row.created_at,
        row.expires_at,
        row.grant_ends_at,
        row.last_used_at,
        None if row.parent_id is None else TokenId(row.parent_id),
        row.application,
        stored_scopes(row.scopes, allows_admin=row.allows_admin),
        row.use_by,
        row.address,
        row.reauthentication_exempt,
        row.authorized_at,
        row.provider,
        row.authenticated_at,
        row.authentication_methods,
    )


def add_token(token: ApiToken, digest: bytes) -> RowChange:
    """Return the change that inserts a token; *digest* is that of its secret."""
    return RowChange(_ADD, row_of_token(token, digest))


def row_of_token(token: ApiToken, digest: bytes) -> Mapping[str, object]:
    """Return the columns of a token; *digest* is that of its secret."""
    # No consent limits the other kinds, and a list of scopes would say that one does.
    scopes = format_scopes(token.scopes) if token.kind in CONSENTED_KINDS else None
    return {
        **{field.name: getattr(token, field.name) for field in fields(token)},
        "kind": token.kind.value,
        "digest": digest,
        "scopes": scopes,
        # Replicas of the release before this one read only the flag.
        "allows_admin": token.allows_admin,
    }


def revoke_token(token_id: TokenId, *, owner: UserId, at: datetime) -> RowChange:
    """Return the change that revokes a token, and so its child tokens; none if it has another owner."""
    return RowChange(_REVOKE, {"ended_id": token_id, "owner_id": owner, "ended_at": at})


def revoke_session(digest: bytes, *, at: datetime) -> RowChange:
    """Return the change that revokes the browser session whose cookie has this digest."""
    return RowChange(_REVOKE_BY_DIGEST, {"ended_digest": digest, "ended_at": at})


def revoke_oldest(kind: TokenKind, *, owner: UserId, kept: int, at: datetime) -> RowChange:
    """Return the change that revokes a user's tokens of one kind, except the *kept* newest."""
    row = {"owner_id": owner, "dropped_kind": kind.value, "kept": kept, "now": at}
    return RowChange(_REVOKE_OLDEST, row)


def revoke_predecessor(token: ApiToken) -> RowChange:
    """Return the change that revokes the application's previous token of this kind for the same scope."""
    row = {
        "owner_id": token.user_id,
        "replaced_kind": token.kind.value,
        "replaced_application": token.application,
        "replaced_admin": token.allows_admin,
        "now": token.created_at,
    }
    return RowChange(_REVOKE_REPLACED, row)


def move_children(old_parent: TokenId, new_parent: TokenId) -> RowChange:
    """Return the change that moves the child tokens of one session to another."""
    return RowChange(_MOVE_CHILDREN, {"old_parent": old_parent, "new_parent": new_parent})


def record_first_use(token_id: TokenId, address: str, *, at: datetime) -> RowChange:
    """Return the change that records when and where a token was used for the first time."""
    return RowChange(_RECORD_FIRST_USE, {"token_id": token_id, "used_at": at, "seen_at": address})


def record_use(token_id: TokenId, *, at: datetime) -> RowChange:
    """Return the change that updates when a token was last used."""
    return RowChange(_RECORD_USE, {"token_id": token_id, "used_at": at})


def update_address(token_id: TokenId, address: str) -> RowChange:
    """Return the change that updates the address that a token is used from."""
    return RowChange(_UPDATE_ADDRESS, {"token_id": token_id, "seen_at": address})


def end_administration(owner: UserId) -> RowChange:
    """Return the change that ends the reauthentication exemption and the admin access of a user's tokens."""
    return RowChange(_END_ADMINISTRATION, {"owner_id": owner})


def delete_ended_tokens(*, before: datetime) -> RowChange:
    """Return the change that deletes a batch of tokens that ended before a time; their events stay."""
    return RowChange(_DELETE_ENDED, {"ended_before": before})
