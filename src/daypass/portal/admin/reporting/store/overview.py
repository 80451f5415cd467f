"""The query for validity settings that exceed their role's maximum."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, and_, select

from daypass.portal.settings.registry import TENANT_VALIDITY
from daypass.portal.storage.schema.access import role_facts
from daypass.portal.storage.schema.administration import settings
from daypass.portal.storage.schema.tenants import tenants

_CAPPED = (
    select(tenants.c.name, settings.c.value, role_facts.c.maximum)
    .select_from(settings)
    .join(tenants, tenants.c.id == settings.c.tenant_id)
    .join(role_facts, and_(role_facts.c.role_arn == tenants.c.role_arn, role_facts.c.maximum.is_not(None)))
    .where(settings.c.type == TENANT_VALIDITY.type, settings.c.key == TENANT_VALIDITY.key)
    .order_by(tenants.c.name)
)


def capped_validities(connection: Connection) -> Sequence[tuple[str, timedelta, timedelta]]:
    """Return the tenants whose validity exceeds their role's maximum, as (name, validity, maximum)."""
    capped = []
    for name, written, seconds in connection.execute(_CAPPED):
        validity, maximum = TENANT_VALIDITY.parse_stored(written), timedelta(seconds=seconds)
        if validity is not None and validity > maximum:
            capped.append((name, validity, maximum))
    return capped
