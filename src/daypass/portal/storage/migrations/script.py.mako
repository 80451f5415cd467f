"""${message}"""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# The value of the previous migration if this one only adds. Otherwise the revision that a release must have at
# least to work with the schema that this migration makes.
oldest_compatible =


def upgrade() -> None:
    """Apply the migration."""
    ${upgrades if upgrades else "pass"}
