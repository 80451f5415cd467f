from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import InvalidRequest
from daypass.portal.settings.codecs import Duration
from daypass.portal.settings.registry import (
    ADMIN_JIT_SESSION_DURATION,
    AUTHENTICATION_AGE,
    DISABLE_NON_ADMIN_JIT,
    ENABLE_ADMIN_JIT_ON_UI,
    PASSKEY_REQUIRED,
    REGISTRY,
    ROLE_MAXIMUM,
    TENANT_AUTHENTICATION_AGE,
    TENANT_EXEMPTS_WORKLOADS,
    TENANT_ROLE_MAXIMUM,
    TENANT_SERVICES,
    TENANT_VALIDITY,
    TOKEN_SESSION_DURATION,
)
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM, EffectiveSettings, SettingStore
from daypass.portal.storage.engine import Database
from tests.settings import store_setting, unset_setting

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

# Type, key, default, minimum and maximum on the wire.
TABLE = [
    (ENABLE_ADMIN_JIT_ON_UI, "Flags", "EnableAwsAdminJitAccess", False, None, None),
    (DISABLE_NON_ADMIN_JIT, "Flags", "DisableAwsNonAdminJitAccess", False, None, None),
    (ADMIN_JIT_SESSION_DURATION, "AppConfig", "AdminJitSessionDuration", HOUR, 900, 43200),
    (ROLE_MAXIMUM, "AppConfig", "MaximumSessionDuration", None, 3600, 43200),
    (TOKEN_SESSION_DURATION, "AppConfig", "TokenSessionDuration", 12 * HOUR, 15, 10080),
    (PASSKEY_REQUIRED, "AppConfig", "RequirePasskeys", "off", None, None),
    (AUTHENTICATION_AGE, "AppConfig", "MaximumAuthenticationAge", None, 5, 720),
    (TENANT_VALIDITY, "", "aws_access_token_validity", HOUR, 900, 43200),
    (TENANT_ROLE_MAXIMUM, "", "aws_role_max_session_duration", None, 3600, 43200),
    (TENANT_SERVICES, "", "aws_services", None, None, None),
    (TENANT_AUTHENTICATION_AGE, "", "aws_maximum_authentication_age", None, 5, 720),
    (TENANT_EXEMPTS_WORKLOADS, "", "aws_workloads_exempt_from_authentication_age", False, None, None),
]
durations = [setting for setting in REGISTRY if isinstance(setting.codec, Duration)]


@pytest.mark.parametrize(("setting", "type_", "key", "default", "low", "high"), TABLE)
def test_every_setting_has_its_wire_name_default_and_bounds(
    setting: Setting[Any],
    type_: str,
    key: str,
    default: bool | timedelta | str | None,
    low: int | None,
    high: int | None,
) -> None:
    assert REGISTRY.find(type_, key) is setting
    assert setting.default == default
    assert setting.is_per_tenant is (type_ == "")
    if low is not None and high is not None:
        parsed = [setting.parse_stored(str(value)) for value in (low - 1, low, high, high + 1)]
        assert [value is not None for value in parsed] == [False, True, True, False]


def test_the_table_covers_the_whole_registry() -> None:
    assert [row[0] for row in TABLE] == list(REGISTRY)


@given(st.sampled_from(durations), st.text(max_size=12) | st.integers().map(str))
def test_a_duration_stays_within_its_bounds_for_any_stored_text(setting: Setting[Any], stored: str) -> None:
    value, codec = (
        EffectiveSettings({(setting.type, setting.key): stored}).get_optional(setting),
        setting.codec,
    )

    assert isinstance(codec, Duration)
    assert value == setting.default or (value is not None and codec.minimum <= value <= codec.maximum)


@pytest.mark.parametrize(
    ("stored", "value"), [("true", True), (" True", True), ("false", False), ("yes", False), ("1", False)]
)
def test_a_flag_is_on_only_if_the_stored_text_is_true(stored: str, value: bool) -> None:
    row = {(DISABLE_NON_ADMIN_JIT.type, DISABLE_NON_ADMIN_JIT.key): stored}

    assert EffectiveSettings(row).get(DISABLE_NON_ADMIN_JIT) is value


def test_a_tenants_values_include_its_own_and_system_settings_only(database: Database) -> None:
    with database.writing() as connection:
        store = SettingStore(connection)
        store_setting(connection, SYSTEM, "Flags", "EnableAwsAdminJitAccess", "true", by="u1", now=NOON)
        store_setting(connection, "dev", "", "aws_access_token_validity", "7200", by="u1", now=NOON)
        store_setting(connection, "prod", "", "aws_access_token_validity", "900", by="u1", now=NOON)

        values = {name: store.read(name) for name in ("dev", "prod", "data", None)}

    assert [v.get(TENANT_VALIDITY) for v in values.values()] == [2 * HOUR, HOUR / 4, HOUR, HOUR]
    assert [v.get(ENABLE_ADMIN_JIT_ON_UI) for v in values.values()] == [True] * 4


def test_a_setting_stored_under_the_wrong_owner_has_no_effect(database: Database) -> None:
    with database.writing() as connection:
        store = SettingStore(connection)
        store_setting(connection, SYSTEM, "", "aws_access_token_validity", "43200", by="u1", now=NOON)
        store_setting(connection, "dev", "Flags", "EnableAwsAdminJitAccess", "true", by="u1", now=NOON)
        store_setting(connection, "dev", "AppConfig", "AdminJitSessionDuration", "43200", by="u1", now=NOON)

        for values in (store.read("dev"), store.read(None)):
            assert values.get(TENANT_VALIDITY) == HOUR
            assert not values.get(ENABLE_ADMIN_JIT_ON_UI)
            assert values.get(ADMIN_JIT_SESSION_DURATION) == HOUR


def test_a_setting_can_be_replaced_and_removed(database: Database) -> None:
    with database.writing() as connection:
        store = SettingStore(connection)
        for value in ("7200", "1800"):
            store_setting(connection, "dev", "", "aws_access_token_validity", value, by="u1", now=NOON)

        assert [(row.key, row.value) for row in store.list_for("dev")] == [
            ("aws_access_token_validity", "1800")
        ]
        assert unset_setting(connection, "dev", "", "aws_access_token_validity")
        assert not unset_setting(connection, "dev", "", "aws_access_token_validity")
        assert store.list_for("dev") == []


@pytest.mark.parametrize(
    ("setting", "value", "takes"),
    [
        (ENABLE_ADMIN_JIT_ON_UI, "maybe", "true or false"),
        (TENANT_VALIDITY, "899", "a whole number of seconds from 900 to 43200"),
        (TENANT_VALIDITY, "\uff11\uff12\uff10\uff10", "a whole number of seconds from 900 to 43200"),
        (TOKEN_SESSION_DURATION, "14", "a whole number of minutes from 15 to 10080"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_accepted_values(
    setting: Setting[Any], value: str, takes: str
) -> None:
    with pytest.raises(InvalidRequest, match=takes):
        setting.parse(value)


def test_an_unknown_key_is_stored_and_listed_but_has_no_effect(database: Database) -> None:
    with database.writing() as connection:
        store = SettingStore(connection)
        store_setting(connection, SYSTEM, "Flags", "EnableVPN", "whatever", by="u1", now=NOON)

        assert [(row.type, row.key, row.value) for row in store.list_for(SYSTEM)] == [
            ("Flags", "EnableVPN", "whatever")
        ]
    assert not REGISTRY.find("Flags", "EnableVPN").is_known


def test_a_setting_without_a_default_is_not_read_as_if_it_had_one() -> None:
    with pytest.raises(LookupError):
        EffectiveSettings({}).get(ROLE_MAXIMUM)

    assert EffectiveSettings({}).get_optional(ROLE_MAXIMUM) is None


@pytest.mark.parametrize("setting", list(REGISTRY), ids=lambda setting: setting.wire_name)
def test_a_setting_accepts_its_default_and_every_option_of_its_form_field(setting: Setting[Any]) -> None:
    codec = setting.codec
    if setting.default is not None:
        assert codec.parse(codec.to_text(setting.default)) == setting.default
    for text, _ in setting.form_field.options:
        assert codec.to_text(setting.parse(text)) == text
    # The pages select the form field with space-separated names.
    assert len(setting.wire_name.split()) == 1


def test_maxima_are_selected_in_whole_hours_within_their_bounds() -> None:
    options = ROLE_MAXIMUM.form_field.options

    assert (options[0], options[-1]) == (("3600", "1 Hour"), ("43200", "12 Hours"))
    assert len(options) == 12
    assert ROLE_MAXIMUM.form_field.custom_help == "In seconds, from 3600 (1 h) to 43200 (12 h)."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sqs", {"sqs"}),
        (" sqs, s3 ,sqs", {"s3", "sqs"}),
        ("execute-api,ec2", {"ec2", "execute-api"}),
        *((text, None) for text in ("", ",", "sqs,", "sqs s3", "SQS", "s3;sqs", "s3:*", "-sqs", "é")),
    ],
)
def test_names_are_read_from_a_text_with_commas(text: str, value: set[str] | None) -> None:
    assert TENANT_SERVICES.parse_stored(text) == value


@pytest.mark.parametrize(
    ("old", "new", "elevates"),
    [
        (None, {"sqs"}, False),
        ({"sqs"}, None, True),
        ({"s3", "sqs"}, {"sqs"}, False),
        ({"sqs"}, {"s3"}, True),
        ({"sqs"}, {"sqs"}, False),
    ],
)
def test_a_limit_elevates_if_it_admits_a_further_name(
    old: set[str] | None, new: set[str] | None, elevates: bool
) -> None:
    def limit(names: set[str] | None) -> frozenset[str] | None:
        return None if names is None else frozenset(names)

    assert TENANT_SERVICES.elevates(limit(old), limit(new)) is elevates


@pytest.mark.parametrize(
    ("old", "new", "elevates"),
    [
        (None, HOUR, False),
        (HOUR, None, True),
        (HOUR, 2 * HOUR, True),
        (2 * HOUR, HOUR, False),
        (HOUR, HOUR, False),
        (None, None, False),
    ],
)
def test_a_maximum_age_elevates_if_it_admits_older_authentications(
    old: timedelta | None, new: timedelta | None, elevates: bool
) -> None:
    assert TENANT_AUTHENTICATION_AGE.elevates(old, new) is elevates
    assert AUTHENTICATION_AGE.elevates(old, new) is elevates


def test_a_choice_takes_its_values_only_and_knows_which_restricts_more() -> None:
    setting = PASSKEY_REQUIRED

    assert setting.parse(" Administrators ") == "administrators"
    with pytest.raises(InvalidRequest, match="off, administrators or everyone"):
        setting.parse("some")
    # None is the default, which is the least restricting value.
    assert setting.elevates("everyone", "administrators")
    assert setting.elevates("administrators", None)
    assert not setting.elevates(None, "everyone")
    assert not setting.elevates("off", "off")
