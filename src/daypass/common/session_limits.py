"""AWS's limits of session durations."""

from datetime import timedelta

MINIMUM_DURATION = timedelta(minutes=15)
"""The shortest session of AssumeRole (DurationSeconds)."""

MAXIMUM_DURATION = timedelta(hours=12)
"""The longest session of AssumeRole, and the highest maximum session duration of a role."""

CHAINED_MAXIMUM = timedelta(hours=1)
"""The longest session that AWS gives to role chaining (a role assumed from a role session)."""

MINIMUM_ROLE_MAXIMUM = timedelta(hours=1)
"""The lowest maximum session duration of a role (MaxSessionDuration), which is also IAM's default."""
