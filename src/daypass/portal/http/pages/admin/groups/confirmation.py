"""The page that asks before a group, a membership or a member is removed."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.http.pages.admin.groups.heading import GroupHeading


@dataclass(frozen=True, slots=True)
class ConfirmationPage:
    """The data of the page; it is a page of its own, so that it needs no script."""

    heading: GroupHeading
    title: str
    consequences: Sequence[str]
    """What ends, in sentences."""
    act: str
    """The label of the button."""
    address: str
    """The address that the form is sent to."""
    back: str
    """The address of **Cancel**."""
    version: str = ""
    """The version that the action expects; empty for an action without one."""
    error: str = ""


SESSIONS_REMAIN = "AWS sessions already issued remain valid until they expire."
