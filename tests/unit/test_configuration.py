"""Settings, template parameters, options of `waybill deploy` and the documentation agree."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from chalicelib.settings import Settings
from chalicelib.settings_table import SETTINGS, Setting, SettingsError
from infra.admin.configuration_reference import (
    PAGE,
    SERVICE_TEMPLATE,
    deploy_options,
    option_of,
    parameter_of,
    render_page,
    template_parameters,
)
from infra.deploy.service_template import check_values
from infra.deploy.stage import DeployError
from infra.devserver.local_settings import LOCAL_SETTINGS

ROOT = Path(__file__).parents[2]
BY_NAME = {setting.name: setting for setting in SETTINGS}
FROM_LAMBDA = {"AWS_REGION"}  # Lambda sets it
SET_BY_DEPLOY = {
    "STACK",
    "SIGNING_KEY",
    "TOKEN_KEY",
    "REGISTRY_SECRET",
    "BASE_URL",
}  # `waybill deploy` determines the value
PARAMETERS = template_parameters()
PAIRS = [
    pytest.param(setting, PARAMETERS[parameter_of(option)], id=setting.name)
    for setting in SETTINGS
    if (option := option_of(setting)) is not None
]


def function_variables() -> dict[str, Any]:
    """Return the environment variables of the function in the template."""
    resources = yaml.safe_load(SERVICE_TEMPLATE.read_text())["Resources"]
    variables: dict[str, Any] = resources["Function"]["Properties"]["Environment"]["Variables"]
    return variables


def test_page_is_current() -> None:
    assert PAGE.read_text() == render_page(), "run make docs"


def test_each_setting_is_an_attribute_with_the_same_default() -> None:
    assert {setting.attribute for setting in SETTINGS} == set(Settings.__struct_fields__)
    assert Settings.from_environment({}) == Settings()


def test_function_receives_each_setting() -> None:
    assert set(function_variables()) == set(BY_NAME) - FROM_LAMBDA


def test_each_setting_of_the_function_is_an_option_of_deploy() -> None:
    without_option = {setting.name for setting in SETTINGS if option_of(setting) is None}
    assert without_option <= SET_BY_DEPLOY | FROM_LAMBDA
    for name in set(BY_NAME) - without_option:
        assert parameter_of(f"--{name.lower().replace('_', '-')}") in str(function_variables()[name])


@pytest.mark.parametrize(("setting", "parameter"), PAIRS)
def test_parameter_has_the_default_of_its_setting(setting: Setting, parameter: dict[str, Any]) -> None:
    assert setting.parse(str(parameter["Default"])) == setting.parse(setting.default)


@pytest.mark.parametrize(("setting", "parameter"), PAIRS)
def test_parameter_allows_the_values_of_its_setting(setting: Setting, parameter: dict[str, Any]) -> None:
    for value in parameter.get("AllowedValues", ()):
        setting.read({setting.name: str(value)})
        assert str(value) in setting.allowed
    if parameter["Type"] == "Number":
        low, high = parameter["MinValue"], parameter["MaxValue"]
        setting.read({setting.name: str(low)})
        setting.read({setting.name: str(high)})
        for outside in (low - 1, high + 1):
            with pytest.raises(SettingsError):
                setting.read({setting.name: str(outside)})


INVALID = {
    "RegistryEndpoints": "http://r.example.com",
    "EmailSender": "nobody",
    "Registries": "a registry",
    "RegistryAddress": "https://registry.example.com",
}


@pytest.mark.parametrize(("setting", "parameter"), PAIRS)
def test_deploy_rejects_an_invalid_value_with_the_sentence_of_the_local_server(
    setting: Setting, parameter: dict[str, Any]
) -> None:
    name = parameter_of(option_of(setting) or "")
    value = INVALID.get(name, "no such value")
    with pytest.raises(DeployError) as deployed:
        check_values({name: value}, "eu-west-1")
    with pytest.raises(SettingsError) as local:
        Settings.from_environment({setting.name: value})
    assert str(deployed.value) == str(local.value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"DomainName": "index.example.com"}, "--certificate"),
        ({"DomainName": "i.example.com", "Certificate": "arn:aws:acm:us-east-1:1:certificate/1"}, "eu-west-1"),
        ({"AccountActivation": "email"}, "EMAIL_SENDER"),
        ({"Registries": "registry.example.com", "ReserveDeletedNames": "false"}, "RESERVE_DELETED_NAMES"),
    ],
)
def test_deploy_rejects_settings_that_exclude_each_other(values: dict[str, str], named: str) -> None:
    with pytest.raises(DeployError, match=named):
        check_values(values, "eu-west-1")


def test_page_has_each_option_of_a_deployment() -> None:
    page = PAGE.read_text()
    for option in deploy_options():
        assert f"`{option.opts[0]}`" in page
        assert option.help
        assert isinstance(option, click.Option)


def test_page_has_each_variable_of_the_local_server() -> None:
    source = "".join(file.read_text() for file in (ROOT / "infra/devserver").glob("*.py"))
    read = set(re.findall(r'environment(?:\.get\(|\[)"([A-Z_]+)"', source))
    assert read == {name for name, *_ in LOCAL_SETTINGS}
