"""The profile page."""

from datetime import timedelta

from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import TENANT_VALIDITY
from tests.fakes import NOON
from tests.portal.http.world import DANA, DEV, World


def test_the_newest_of_many_active_credentials_are_shown(quick_world: World) -> None:
    ends = NOON + timedelta(hours=12)
    cookies = [quick_world.token(DANA, TokenKind.BROWSER, grant_ends_at=ends)[0] for _ in range(30)]

    def revocations_shown(query: str = "") -> tuple[int, bool, bool]:
        headers = [("Accept", "text/html"), ("Cookie", f"__Host-daypass={cookies[0]}")]
        page = quick_world.client().get("/profile", headers=headers, query=query).body.decode()
        return page.count("Revoke"), "All 30</a>" in page, "Current" in page

    few, is_more_offered, is_own_shown = revocations_shown()
    many, is_more_offered_again, _ = revocations_shown("all=1")

    assert 0 < few <= 30 < many
    assert is_own_shown
    assert (is_more_offered, is_more_offered_again) == (True, False)


def test_a_capped_duration_names_its_limit(quick_world: World) -> None:
    ends = NOON + timedelta(hours=12)
    cookie = quick_world.token(DANA, TokenKind.BROWSER, grant_ends_at=ends)[0]

    def profile() -> str:
        headers = [
            ("Accept", "text/html"),
            ("Cookie", f"__Host-daypass={cookie}"),
        ]
        return quick_world.client().get("/profile", headers=headers).body.decode()

    quick_world.set(TENANT_VALIDITY, "7200", DEV)
    free = profile()
    with quick_world.database.writing() as connection:
        CachedRoleStore(connection).remember_maximum(DEV.target.role_arn, timedelta(hours=1), NOON)
    capped = profile()

    assert "2 h in dev01" in free
    assert "it is limited by" not in free
    assert "1 h in dev01" in capped
    assert "2 h is configured; it is limited by the IAM role’s maximum session duration." in capped
