from datetime import timedelta
from typing import Any

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import Version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    InvalidRequest,
    PreconditionFailed,
    ReauthenticationRequired,
    SettingNotFound,
    TenantNotFound,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import (
    ADMIN_JIT_SESSION_DURATION,
    APP_CONFIG,
    DISABLE_NON_ADMIN_JIT,
    ENABLE_ADMIN_JIT_ON_UI,
    FLAGS,
    REGISTRY,
    ROLE_MAXIMUM,
    TENANT_ROLE_MAXIMUM,
    TENANT_VALIDITY,
)
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM, SettingStore, put_setting
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration
from tests.settings import put_text


def put(administration: Administration, setting: Setting[Any], value: str, by: Caller) -> None:
    tenant = "dev01" if setting.is_per_tenant else None
    put_text(administration.settings, tenant, setting.type, setting.key, value, by)


def remove(administration: Administration, setting: Setting[Any], by: Caller) -> None:
    tenant = "dev01" if setting.is_per_tenant else None
    administration.settings.remove(tenant, setting.type, setting.key, by)


def test_a_setting_is_stored_with_author_and_time_and_removed(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    put(administration, ADMIN_JIT_SESSION_DURATION, "7200", alice)
    put(administration, ADMIN_JIT_SESSION_DURATION, "1800", alice)

    (one,) = administration.settings.of(None)
    assert (one.stored.value, one.changed_by, one.stored.updated_at) == ("1800", "alice@example.com", clock())
    assert one.setting is ADMIN_JIT_SESSION_DURATION
    assert one.is_in_force
    remove(administration, ADMIN_JIT_SESSION_DURATION, alice)
    assert administration.settings.of(None) == []
    with pytest.raises(SettingNotFound):
        remove(administration, ADMIN_JIT_SESSION_DURATION, alice)
    told = [
        (detail.get("old.value"), detail.get("new.value"))
        for action in ("setting.put", "setting.remove")
        for _, _, _, detail in administration.events(action)
    ]
    assert told == [(None, "7200"), ("7200", "1800"), ("1800", None)]


def test_a_value_out_of_bounds_is_refused(administration: Administration, alice: Caller) -> None:
    typed = ("", "899", "-1", "1e9", "2 hours", "yes", "\uff11\uff12\uff10\uff10", "99999999")
    wrong = [
        (setting, value) for setting in REGISTRY for value in typed if setting.parse_stored(value) is None
    ]
    assert len(wrong) > len(list(REGISTRY)) * 6

    for setting, value in wrong:
        with pytest.raises(InvalidRequest, match="takes"):
            put(administration, setting, value, alice)


def test_only_administrators_change_settings(administration: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        put(administration, DISABLE_NON_ADMIN_JIT, "false", dana)
    put(administration, DISABLE_NON_ADMIN_JIT, "true", administration.caller("alice@example.com"))
    with pytest.raises(AccessDenied):
        remove(administration, DISABLE_NON_ADMIN_JIT, dana)


WIDENING = (
    (ENABLE_ADMIN_JIT_ON_UI, None, "true", True),
    (ENABLE_ADMIN_JIT_ON_UI, "true", "false", False),
    (ENABLE_ADMIN_JIT_ON_UI, "true", None, False),
    (DISABLE_NON_ADMIN_JIT, None, "true", False),
    (DISABLE_NON_ADMIN_JIT, "true", "false", True),
    (DISABLE_NON_ADMIN_JIT, "true", None, True),
    (TENANT_VALIDITY, None, "3600", False),
    (TENANT_VALIDITY, None, "3601", True),
    (TENANT_VALIDITY, "7200", "3600", False),
    (TENANT_VALIDITY, "900", None, True),
    (ADMIN_JIT_SESSION_DURATION, "900", "1800", True),
    (TENANT_ROLE_MAXIMUM, None, "7200", True),
    (TENANT_ROLE_MAXIMUM, None, "3600", False),
    (ROLE_MAXIMUM, "7200", "3600", False),
)


def test_a_change_that_elevates_needs_reauthentication(
    administration: Administration, clock: FakeClock
) -> None:
    permanent = administration.caller("alice@example.com")
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))

    def change(setting: Setting[Any], to: str | None, author: Caller) -> None:
        if to is None:
            remove(administration, setting, author)
        else:
            put(administration, setting, to, author)

    asked = []
    for setting, before, after, _ in WIDENING:
        if before is not None:
            change(setting, before, permanent)
        try:
            change(setting, after, by)
            asked.append(False)
        except ReauthenticationRequired:
            asked.append(True)
            change(setting, after, permanent)
        if after is not None:
            change(setting, None, permanent)

    assert asked == [widens for *_, widens in WIDENING]


def test_removing_a_tenants_maximum_below_the_common_one_needs_reauthentication(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    put(administration, ROLE_MAXIMUM, "43200", alice)
    put(administration, TENANT_ROLE_MAXIMUM, "3600", alice)
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))

    with pytest.raises(ReauthenticationRequired):
        remove(administration, TENANT_ROLE_MAXIMUM, by)
    with pytest.raises(ReauthenticationRequired):
        put(administration, TENANT_ROLE_MAXIMUM, "7200", by)
    remove(administration, TENANT_ROLE_MAXIMUM, alice)
    # The common maximum is twelve hours, so a shorter one is no elevation.
    put(administration, TENANT_ROLE_MAXIMUM, "7200", by)


def test_an_invalid_stored_maximum_counts_as_not_set(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    put(administration, ROLE_MAXIMUM, "43200", alice)
    tenant = administration.tenants.find("dev01").tenant
    with administration.database.writing() as connection:
        for change in put_setting(tenant.id, "", TENANT_ROLE_MAXIMUM.key, "1", by="x", at=clock()):
            change.apply(connection)
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))

    assert not administration.settings.of("dev01")[0].is_in_force
    # The common maximum applies, which is longer.
    put(administration, TENANT_ROLE_MAXIMUM, "7200", by)


def test_a_tenants_maximum_cannot_exceed_the_common_one(
    administration: Administration, alice: Caller
) -> None:
    put(administration, TENANT_ROLE_MAXIMUM, "14400", alice)

    with pytest.raises(InvalidRequest, match="of their own: dev01"):
        put(administration, ROLE_MAXIMUM, "7200", alice)
    put(administration, ROLE_MAXIMUM, "14400", alice)
    with pytest.raises(InvalidRequest, match="14400 seconds for all tenants"):
        put(administration, TENANT_ROLE_MAXIMUM, "14401", alice)
    put(administration, TENANT_ROLE_MAXIMUM, "7200", alice)
    put(administration, ROLE_MAXIMUM, "7200", alice)


def test_an_unknown_key_is_stored_without_effect(administration: Administration, alice: Caller) -> None:
    put_text(administration.settings, None, FLAGS, "EnableVPN", "line one\nline two", alice)
    put_text(administration.settings, "dev01", "", "delete_protection", "", alice)
    put_text(administration.settings, None, APP_CONFIG, "aws_access_token_validity", "43200", alice)

    assert [(one.stored.key, one.is_in_force) for one in administration.settings.of(None)] == [
        ("aws_access_token_validity", False),
        ("EnableVPN", False),
    ]
    tenant = administration.tenants.find("dev01").tenant
    with administration.database.reading() as connection:
        values = SettingStore(connection).read(tenant.id)
    assert values.get(TENANT_VALIDITY) == timedelta(hours=1)


def test_an_invalid_type_key_or_value_is_refused(administration: Administration, alice: Caller) -> None:
    for tenant, type_, key, value in (
        (None, "", "key", "value"),
        ("dev01", FLAGS, "key", "value"),
        (None, "x" * 65, "key", "value"),
        (None, FLAGS, "", "value"),
        (None, "a/b", "key", "value"),
        (None, FLAGS, "x" * 129, "value"),
        (None, FLAGS, "a\0b", "value"),
        (None, FLAGS, "a\nb", "value"),
        (None, FLAGS, "key", "a\0b"),
        (None, FLAGS, "key", "a\x1b[31mb"),
        (None, FLAGS, "key", "x" * 4001),
    ):
        with pytest.raises(InvalidRequest):
            put_text(administration.settings, tenant, type_, key, value, alice)
        with pytest.raises(SettingNotFound):
            administration.settings.find(tenant, type_, key)


def test_a_value_is_not_stored_for_an_owner_that_has_no_such_setting(
    administration: Administration, alice: Caller
) -> None:
    value = administration.settings.parse("dev01", "", TENANT_VALIDITY.key, "7200")

    with pytest.raises(InvalidRequest):
        administration.settings.put(None, value, alice)


def test_settings_of_an_unknown_tenant_are_not_found(administration: Administration, alice: Caller) -> None:
    with pytest.raises(TenantNotFound):
        put_text(administration.settings, "nowhere", "", "key", "value", alice)
    with pytest.raises(TenantNotFound):
        administration.settings.of("nowhere")


def test_a_setting_changed_concurrently_is_not_overwritten(
    administration: Administration, alice: Caller
) -> None:
    put(administration, ADMIN_JIT_SESSION_DURATION, "7200", alice)
    loaded = administration.settings.find(None, APP_CONFIG, ADMIN_JIT_SESSION_DURATION.key).version
    administration.clock.move(timedelta(seconds=1))
    put(administration, ADMIN_JIT_SESSION_DURATION, "1800", alice)

    for expected in (loaded, Version("")):
        with pytest.raises(PreconditionFailed):
            put_text(
                administration.settings,
                None,
                APP_CONFIG,
                ADMIN_JIT_SESSION_DURATION.key,
                "900",
                alice,
                expected,
            )
        with pytest.raises(PreconditionFailed):
            administration.settings.remove(None, APP_CONFIG, ADMIN_JIT_SESSION_DURATION.key, alice, expected)


def test_a_setting_written_by_the_operator_names_the_operator(administration: Administration) -> None:
    put_text(administration.settings, None, FLAGS, "x", "y", OPERATOR)

    assert administration.settings.of(None)[0].changed_by == "operator"
    with administration.database.reading() as connection:
        assert SettingStore(connection).list_for(SYSTEM)[0].updated_by == "operator"
