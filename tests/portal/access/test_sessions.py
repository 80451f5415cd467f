"""The list of a user's own sessions."""

from daypass.portal.access.model import IssuanceFilter
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.storage.pagination import PageRequest
from tests.portal.access.conftest import ADMIN, DANA, Rig


def test_a_user_reads_own_sessions_only(rig: Rig) -> None:
    own = {rig.issue(DANA, "dev01").id, rig.issue(DANA, "prod01").id}
    rig.issue(ADMIN, "dev01")
    history = SessionHistory(rig.database)

    assert {record.id for record in history.page(DANA).records} == own
    assert history.page(DANA, PageRequest(limit=1)).next_cursor is not None
    assert [record.tenant_name for record in history.page(DANA, wanted=IssuanceFilter("prod")).records] == [
        "prod01"
    ]
    assert history.count_by_day(DANA, rig.clock.now) == {rig.clock.now.date(): 2}
