"""Reading of the settings from environment variables."""

import pytest

from chalicelib.domain.choices import AccountActivation, Registration, SignerKind, Visibility
from chalicelib.settings import Settings
from chalicelib.settings_table import SettingsError


def test_missing_and_empty_variables_have_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"TOKEN_LIFETIME": "", "STACK": "", "SIGNER": ""}) == Settings()


def test_all_settings_are_read() -> None:
    settings = Settings.from_environment(
        {
            "STACK": "waybill-live",
            "AWS_REGION": "eu-central-1",
            "REGISTRY_ENDPOINTS": "r1.example.com, r2.example.com:5000,[::1]:5000",
            "TOKEN_LIFETIME": "600",
            "TOKEN_SINGLE_USE": "Yes",
            "SIGNER": "kms",
            "BCRYPT_COST": "10",
            "ACCOUNT_ACTIVATION": "email",
            "REGISTRATION": "closed",
            "IMAGE_LIST_CACHE_SECONDS": "2",
            "EMAIL_SENDER": "index@example.com",
            "BASE_URL": "https://index.example.com/",
            "REPOSITORY_VISIBILITY": "private",
            "RESERVE_DELETED_NAMES": "no",
            "PUBLIC_PAGES": "off",
        }
    )
    assert settings == Settings(
        stack="waybill-live",
        region="eu-central-1",
        registry_endpoints=("r1.example.com", "r2.example.com:5000", "[::1]:5000"),
        token_lifetime=600,
        image_list_cache_seconds=2,
        token_single_use=True,
        signer=SignerKind.KMS,
        bcrypt_cost=10,
        account_activation=AccountActivation.EMAIL,
        registration=Registration.CLOSED,
        email_sender="index@example.com",
        base_url="https://index.example.com",
        repository_visibility=Visibility.PRIVATE,
        reserve_deleted_names=False,
        public_pages=False,
    )
    assert settings.table("users") == "waybill-live-users"
    assert settings.key == "alias/waybill-live"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STACK", "a b"),
        ("STACK", "x"),
        ("REGISTRY_ENDPOINTS", "http://localhost:5000"),
        ("REGISTRY_ENDPOINTS", "host/path"),
        ("REGISTRY_ENDPOINTS", "host\r\nX-Evil: 1"),
        ("REGISTRY_ENDPOINTS", ","),
        ("TOKEN_LIFETIME", "59"),
        ("TOKEN_LIFETIME", "86401"),
        ("TOKEN_LIFETIME", "ten"),
        ("TOKEN_LIFETIME", "²"),
        ("IMAGE_LIST_CACHE_SECONDS", "3"),
        ("TOKEN_SINGLE_USE", "maybe"),
        ("SIGNER", "rsa"),
        ("BCRYPT_COST", "3"),
        ("ACCOUNT_ACTIVATION", "sms"),
        ("REGISTRATION", "maybe"),
        ("EMAIL_SENDER", "Waybill <index@example.com>"),
        ("EMAIL_SENDER", "index@example.com\r\nBcc: eve@example.com"),
        ("BASE_URL", "index.example.com"),
        ("BASE_URL", "https://index.example.com/v1"),
        ("BASE_URL", 'https://"><script>'),
        ("REPOSITORY_VISIBILITY", "hidden"),
        ("RESERVE_DELETED_NAMES", "perhaps"),
    ],
)
def test_error_names_the_invalid_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


def test_emails_need_a_sender_and_a_base_url() -> None:
    with pytest.raises(SettingsError, match="EMAIL_SENDER"):
        Settings.from_environment({"ACCOUNT_ACTIVATION": "email"})
    with pytest.raises(SettingsError, match="BASE_URL"):
        Settings.from_environment({"EMAIL_SENDER": "index@example.com"})
