"""The templates of permission sets, which Administrators may start from.

Each names the managed policy of a level, whose statements `fence/levels.py` generates from the catalogue.
"""

from collections.abc import Sequence

from daypass.portal.aws.fence.levels import level_policy_name
from daypass.portal.permission_sets.model import PermissionSetTemplate


def templates() -> Sequence[PermissionSetTemplate]:
    """Return the templates, the highest rank first."""
    return (
        PermissionSetTemplate(
            "operator",
            "Reads how resources are configured, and starts, stops and scales them. Reads no data.",
            500,
            (level_policy_name("operator"),),
            (),
        ),
        PermissionSetTemplate(
            "data-reader",
            "Reads data, but no secrets, and changes nothing.",
            100,
            (level_policy_name("data-reader"),),
            (),
        ),
    )
