"""The composition root: every object of the portal is built here, once, in plain sight."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.types import ASGIApp

from daypass.portal.access.broker import Broker
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Door
from daypass.portal.audit.log import AuditLog
from daypass.portal.aws.connect import connect
from daypass.portal.clock import Clock, utc_now
from daypass.portal.config import PortalConfig
from daypass.portal.http.api.caller import Myself
from daypass.portal.http.api.routes import PREFIX, api_operations, api_routes
from daypass.portal.http.api.sessions import Sessions
from daypass.portal.http.caller import Callers
from daypass.portal.http.compat.jit import Jit
from daypass.portal.http.compat.routes import PREFIXES, compat_routes
from daypass.portal.http.compat.system import System
from daypass.portal.http.compat.tenants import Tenants
from daypass.portal.http.doorway import Entrance
from daypass.portal.http.front import Front, make_door
from daypass.portal.http.guards import Guards
from daypass.portal.http.health import health_routes
from daypass.portal.http.pool import Pool
from daypass.portal.http.problems import message, problem
from daypass.portal.identity.service import Identity
from daypass.portal.identity.store import UserStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import check

_SPARE_CONNECTIONS = 4
"""For the audit log's writer, and for whoever else is no request."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal that is ready to serve."""

    app: ASGIApp
    doors: Sequence[Starlette]
    has_administrator: Callable[[], bool]
    """Whether anybody can run it yet."""
    close: Callable[[], None]


def build(config: PortalConfig, clock: Clock = utc_now) -> Portal:
    """A portal on its own database and AWS.

    Raises `ConfigError`, `SchemaError`, `StorageUnavailable` or an `AwsError`, each with what to do about it.
    """
    database = open_database(config)
    try:
        check(database)
        broker = connect(config.aws, public_url=config.public_url, connections=config.threads)
    except BaseException:
        database.close()
        raise
    return assemble(config, database, broker, clock)


def open_database(config: PortalConfig) -> Database:
    """The database, with room for every thread."""
    return Database(config.database_url, connections=config.threads + _SPARE_CONNECTIONS)


def assemble(config: PortalConfig, database: Database, broker: Broker, clock: Clock) -> Portal:
    """A portal on a database whose schema was checked; owns the database from here on."""
    aws, release = config.aws, version("daypass")
    audit = AuditLog(database, clock)
    identity = Identity(database, audit, clock)
    issuer = Issuer(
        database=database,
        audit=audit,
        broker=broker,
        clock=clock,
        master_role_arn=f"arn:{broker.partition}:iam::{broker.account_id}:role/{aws.master_role}",
        region=aws.region,
        is_attribution_required=config.require_attribution,
    )

    pool = Pool(config.threads)
    callers = Callers(identity, config.trusted_proxies if config.is_behind_proxy else ())
    operations = api_operations(
        Myself(database, broker.account_id, aws.region, release), Sessions(database, issuer)
    )
    api = make_door(
        api_routes(operations, Entrance(Door.API, callers, pool), config.public_url, release), problem
    )
    compat = make_door(
        compat_routes(
            Entrance(Door.LEGACY, callers, pool),
            Jit(issuer, clock),
            Tenants(database, broker.account_id),
            System(
                database=database,
                public_url=config.public_url,
                account_id=broker.account_id,
                partition=broker.partition,
                region=aws.region,
                role_prefix=aws.role_prefix,
                version=release,
            ),
        ),
        message,
    )
    health = make_door(health_routes(database, pool), problem)
    front = Front({PREFIX: api, **dict.fromkeys(PREFIXES, compat)}, otherwise=health)

    def has_administrator() -> bool:
        with database.reading() as connection:
            return UserStore(connection).count_administrators() > 0

    def close() -> None:
        pool.close()
        audit.close()
        database.close()

    return Portal(Guards(front), (api, compat, health), has_administrator, close)
