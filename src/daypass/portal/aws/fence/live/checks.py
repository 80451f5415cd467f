"""All checks, in the order in which they are made: some use what an earlier one created."""

from collections.abc import Sequence

from daypass.portal.aws.fence.live.model import LiveCheck
from daypass.portal.aws.fence.live.services import SERVICES
from daypass.portal.aws.fence.live.sessions import SESSIONS
from daypass.portal.aws.fence.live.tagging import TAGGING

CHECKS: Sequence[LiveCheck] = (*SESSIONS, *SERVICES, *TAGGING)
