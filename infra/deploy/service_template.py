"""infra/deploy/service.yaml and its parameters, each of which is an option of `waybill deploy`.

A parameter with the name of a setting takes its description from chalicelib/settings.py, unless it has its own.
CloudFormation keeps the value of a parameter from one deployment to the next.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml

from chalicelib.settings_table import SETTINGS
from infra.deploy.stage import DeployError

SERVICE_TEMPLATE = Path(__file__).with_name("service.yaml")
COMPUTED = (  # `waybill deploy` computes these parameters; all others are options
    "Stack",
    "ReleaseBucket",
    "Release",
    "PreviousRelease",
    "SigningKey",
    "BaseUrl",
    "FrontProof",
    "AccountLogRole",
)


@cache
def read_service_template() -> dict[str, Any]:
    """Return the template, with a description for each parameter."""
    template: dict[str, Any] = yaml.safe_load(SERVICE_TEMPLATE.read_text())
    help_texts = {f"--{setting.name.lower().replace('_', '-')}": setting.help for setting in SETTINGS}
    for name, parameter in template["Parameters"].items():
        parameter.setdefault("Description", help_texts.get(option_name(name), ""))
    return template


def option_parameters() -> dict[str, dict[str, Any]]:
    """Return the parameters that are options."""
    parameters: dict[str, dict[str, Any]] = read_service_template()["Parameters"]
    return {name: parameter for name, parameter in parameters.items() if name not in COMPUTED}


def add_parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command an option for each parameter."""
    for name, parameter in reversed(option_parameters().items()):
        initial = "" if parameter["Default"] == "" else f"  [initially {parameter['Default']}]"
        option = click.option(option_name(name), type=_click_type(parameter), help=parameter["Description"] + initial)
        command = option(command)
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


def check_combination(values: Mapping[str, str]) -> None:
    """Raise DeployError for values that exclude each other."""
    if values.get("DomainName") and not values.get("Certificate"):
        raise DeployError("--domain-name needs --certificate: the ARN of a certificate for it in ACM in us-east-1")
    if values.get("AccountActivation") == "email" and not values.get("EmailSender"):
        raise DeployError("--account-activation email needs --email-sender: an address that SES may send from")


def option_name(parameter: str) -> str:
    """Return the option for a parameter: --registry-endpoints for RegistryEndpoints."""
    return "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", parameter).lower()


def _click_type(parameter: Mapping[str, Any]) -> click.ParamType[Any]:
    if "AllowedValues" in parameter:
        return click.Choice([str(value) for value in parameter["AllowedValues"]])
    if parameter["Type"] == "Number":
        return click.IntRange(parameter.get("MinValue"), parameter.get("MaxValue"))
    return click.STRING
