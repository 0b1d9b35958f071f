"""infra/deploy/service.yaml and its parameters, each of which is an option of `waybill deploy`.

A parameter with the name of a setting takes its description from chalicelib/settings_table.py, unless it has its own.
CloudFormation keeps the value of a parameter from one deployment to the next.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml

from chalicelib.settings import Settings
from chalicelib.settings_table import SETTINGS, Setting, SettingsError
from infra.deploy.stage import DeployError

SERVICE_TEMPLATE = Path(__file__).with_name("service.yaml")
COMPUTED = (  # `waybill deploy` computes these parameters; all others are options
    "Stack",
    "ReleaseBucket",
    "Release",
    "PreviousRelease",
    "SigningKey",
    "TokenKey",
    "RegistrySecret",
)
_FROM_CHALICE = ("Handler", "Runtime", "Timeout")
_HIDDEN = "hidden-by-cloudformation"  # in place of a value with NoEcho, which CloudFormation returns as stars


@cache
def read_service_template() -> dict[str, Any]:
    """Return the template, with a description for each parameter. The function has no runtime, handler or timeout."""
    template: dict[str, Any] = yaml.safe_load(SERVICE_TEMPLATE.read_text())
    settings = _settings_by_option()
    for name, parameter in template["Parameters"].items():
        setting = settings.get(option_name(name))
        parameter.setdefault("Description", setting.help if setting else "")
    return template


def add_function_properties(sam_template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with the runtime, the handler and the timeout from the template of `chalice package`.

    The other resources of Chalice's template belong to a REST API, which the index does not have.
    """
    template = read_service_template()
    function, chalice = template["Resources"]["Function"], sam_template["Resources"]["APIHandler"]["Properties"]
    properties = {**function["Properties"], **{name: chalice[name] for name in _FROM_CHALICE}}
    resources = {**template["Resources"], "Function": {**function, "Properties": properties}}
    return {"AWSTemplateFormatVersion": "2010-09-09", **template, "Resources": resources}


def option_parameters() -> dict[str, dict[str, Any]]:
    """Return the parameters that are options."""
    parameters: dict[str, dict[str, Any]] = read_service_template()["Parameters"]
    return {name: parameter for name, parameter in parameters.items() if name not in COMPUTED}


def add_parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command an option for each parameter.

    click does not check the value of a setting, so that the message is the same as that of the local server.
    """
    settings = _settings_by_option()
    for name, parameter in reversed(option_parameters().items()):
        option, setting = option_name(name), settings.get(option_name(name))
        initial = "" if parameter["Default"] == "" else f"  [initially {parameter['Default']}]"
        allowed = f" Allowed: {setting.allowed}." if setting else ""
        kind = click.STRING if setting else _click_type(parameter)
        command = click.option(option, type=kind, help=parameter["Description"] + allowed + initial)(command)
    return command


def parse_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the parameters whose options were passed. Raises DeployError for a wrong value."""
    values: dict[str, str] = {}
    for name, parameter in option_parameters().items():
        value = options.get(option_name(name).removeprefix("--").replace("-", "_"))
        if value is None:
            continue
        if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
            raise DeployError(f"{option_name(name)} must be {parameter['ConstraintDescription']}, not {value!r}")
        values[name] = str(value)
    return values


def check_values(values: Mapping[str, str], region: str) -> Settings:
    """Return the settings of the function. Raises DeployError for a value that is not allowed.

    `values` are the values of parameters; the others have their defaults.
    """
    certificate = values.get("Certificate", "")
    if values.get("DomainName") and not certificate:
        raise DeployError(f"--domain-name needs --certificate, the ARN of a certificate for it in ACM in {region}")
    if certificate and certificate.split(":")[3] != region:
        raise DeployError(f"--certificate must be in the region of the index, {region}, not {certificate!r}")
    try:
        return Settings.from_environment(_create_environment(values, region))
    except SettingsError as error:
        raise DeployError(str(error)) from error


def merge_values(current: Mapping[str, str], changed: Mapping[str, str]) -> dict[str, str]:
    """Return the values of all options after a deployment."""
    return {
        name: changed.get(name, current.get(name, str(parameter["Default"])))
        for name, parameter in option_parameters().items()
    }


def option_name(parameter: str) -> str:
    """Return the option for a parameter: --registry-endpoints for RegistryEndpoints."""
    return "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", parameter).lower()


def setting_name(parameter: str) -> str:
    """Return the name of a parameter in messages, which is that of the setting: REGISTRY_ENDPOINTS."""
    return option_name(parameter).removeprefix("--").replace("-", "_").upper()


def _create_environment(values: Mapping[str, str], region: str) -> dict[str, str]:
    """Return the environment variables of the function for these values."""
    template = read_service_template()
    environment = {"AWS_REGION": region}
    for name, value in template["Resources"]["Function"]["Properties"]["Environment"]["Variables"].items():
        if name == "BASE_URL":
            environment[name] = f"https://{values.get('DomainName') or 'api.example.com'}"
        else:
            parameter = template["Parameters"][value["Ref"]]
            text = _HIDDEN if parameter.get("NoEcho") else values.get(value["Ref"], str(parameter.get("Default", "")))
            environment[name] = text
    return environment


def _settings_by_option() -> dict[str, Setting]:
    return {f"--{setting.name.lower().replace('_', '-')}": setting for setting in SETTINGS}


def _click_type(parameter: Mapping[str, Any]) -> click.ParamType[Any]:
    if "AllowedValues" in parameter:
        return click.Choice([str(value) for value in parameter["AllowedValues"]])
    if parameter["Type"] == "Number":
        return click.IntRange(parameter.get("MinValue"), parameter.get("MaxValue"))
    return click.STRING
