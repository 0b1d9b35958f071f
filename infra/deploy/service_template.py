"""What an operator may choose: the service template's parameters, each as an option under its own name.

A parameter that is added to infra/deploy/service.yaml is an option of `deploy` by that. Values stay from one deployment to the
next: CloudFormation keeps them.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import click
import yaml

from infra.deploy.package import SERVICE_TEMPLATE
from infra.deploy.stage import DeployError

FILLED_IN = (
    "Stack",
    "ArtefactBucket",
    "Release",
    "ReleaseBefore",
    "SigningKey",
    "BaseUrl",
    "FrontProof",
    "AccountLogRole",
)


@cache
def parameters() -> dict[str, dict[str, Any]]:
    """The parameters that are an operator's to choose."""
    described: dict[str, dict[str, Any]] = yaml.safe_load(SERVICE_TEMPLATE.read_text())["Parameters"]
    return {name: parameter for name, parameter in described.items() if name not in FILLED_IN}


def parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a click command an option for each parameter."""
    for name, parameter in reversed(parameters().items()):
        declared = click.option(
            option_name(name),
            type=_type(parameter),
            help=f"{parameter['Description']}  [at first: {parameter['Default']}]",
        )
        command = declared(command)
    return command


def chosen(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that were given. Raises DeployError for one that CloudFormation would refuse."""
    values: dict[str, str] = {}
    for name, parameter in parameters().items():
        value = given.get(option_name(name).removeprefix("--").replace("-", "_"))
        if value is None:
            continue
        if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
            raise DeployError(f"{option_name(name)} is {parameter['ConstraintDescription']}, not {value!r}")
        values[name] = str(value)
    return values


def consistent(values: Mapping[str, str]) -> None:
    """Refuses values that do not go together. Raises DeployError."""
    if values.get("DomainName") and not values.get("Certificate"):
        raise DeployError("--domain-name needs --certificate: the ARN of its certificate in ACM in us-east-1")
    if values.get("AccountActivation") == "email" and not values.get("EmailSender"):
        raise DeployError("--account-activation email needs --email-sender: an address that SES may send from")


def option_name(parameter: str) -> str:
    """`RegistryEndpoints` is --registry-endpoints."""
    return "--" + re.sub(r"(?<!^)(?=[A-Z])", "-", parameter).lower()


def _type(parameter: Mapping[str, Any]) -> click.ParamType[Any]:
    if "AllowedValues" in parameter:
        return click.Choice([str(value) for value in parameter["AllowedValues"]])
    if parameter["Type"] == "Number":
        return click.IntRange(parameter.get("MinValue"), parameter.get("MaxValue"))
    return click.STRING
