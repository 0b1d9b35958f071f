"""The CloudFormation templates agree with the models, the role with the code, and the alarms with the tables.

tests/unit/test_configuration.py compares the parameters with the settings.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session
from pynamodb.models import Model

from chalicelib.api.errors import RouteNotFound
from chalicelib.aws import SERVICES
from chalicelib.request_log import LOGIN_FAILED, RequestLog
from chalicelib.storage.tables import CounterItem, ImagesItem, Tables
from infra import ROOT
from infra.deploy.data_template import resources
from infra.deploy.service_models import OPERATIONS
from infra.deploy.service_template import COMPUTED, option_name, option_parameters, read_service_template
from infra.devserver.gateway import COMPRESSED_FROM_BYTES

DATA = resources()
SERVICE: dict[str, Any] = read_service_template()["Resources"]
TABLES = {
    resource["Properties"]["TableName"]["Fn::Sub"]: resource["Properties"]
    for resource in DATA.values()
    if resource["Type"] == "AWS::DynamoDB::Table"
}


def list_models() -> Iterator[tuple[str, type[Model]]]:
    """Yield each model with the name of its table."""
    session = Session()
    session.set_credentials("no", "credentials")
    tables = Tables(session.create_client("dynamodb", "us-east-1"), "us-east-1", lambda name: "${Stack}-" + name)
    for model in vars(tables).values():
        if isinstance(model, type) and issubclass(model, Model):
            yield model.Meta.table_name, model


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def sort_keys(schema: Any) -> list[tuple[str, str]]:
    """Return the attributes of a key in the order of the template: the hash key first."""
    keys = [(key["AttributeName"], key["KeyType"]) for key in schema]
    return sorted(keys, key=lambda key: ("HASH", "RANGE").index(key[1]))


def test_template_has_one_table_for_each_model() -> None:
    assert {name for name, _ in list_models()} == set(TABLES)


@pytest.mark.parametrize(("table", "model"), list(list_models()))
def test_table_has_the_keys_types_and_indexes_of_its_model(table: str, model: type[Model]) -> None:
    properties, schema = TABLES[table], model._get_schema()
    assert sort_keys(properties["KeySchema"]) == sort_keys(schema["key_schema"])
    in_template = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", [])}
    in_model = {index["index_name"]: index for index in schema["global_secondary_indexes"]}
    assert set(in_template) == set(in_model)
    for name, index in in_model.items():
        assert sort_keys(in_template[name]["KeySchema"]) == sort_keys(index["key_schema"])
        assert in_template[name]["Projection"] == index["projection"]
    types = {each["AttributeName"]: each["AttributeType"] for each in schema["attribute_definitions"]}
    assert {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]} == types


def test_only_image_items_and_counters_expire_by_a_number_in_their_model() -> None:
    expiring = {
        table: properties["TimeToLiveSpecification"]["AttributeName"]
        for table, properties in TABLES.items()
        if properties.get("TimeToLiveSpecification", {}).get("Enabled")
    }
    expected = {"${Stack}-images": ImagesItem.expires, "${Stack}-counters": CounterItem.expires}
    assert expiring == {table: attribute.attr_name for table, attribute in expected.items()}
    assert {attribute.attr_type for attribute in expected.values()} == {"N"}


def test_each_parameter_is_computed_or_an_option_with_a_default() -> None:
    parameters = read_service_template()["Parameters"]
    assert set(parameters) == set(option_parameters()) | set(COMPUTED)
    for name, parameter in option_parameters().items():
        assert option_name(name).startswith("--")
        assert "Default" in parameter, name
    for name, parameter in parameters.items():
        assert parameter["Description"], name


def test_role_names_exactly_the_tables_and_no_action_has_a_wildcard() -> None:
    statements = SERVICE["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    arns = [
        arn
        for statement in statements
        if "dynamodb" in str(statement["Action"])
        for arn in as_list(statement["Resource"])
    ]
    assert {arn["Fn::Sub"].rpartition("table/")[2].partition("/index/")[0] for arn in arns} == set(TABLES)
    assert not any("*" in str(statement["Action"]) for statement in statements)


def test_role_allows_exactly_the_packaged_operations() -> None:
    policies = SERVICE["FunctionRole"]["Properties"]["Policies"]
    allowed = set(re.findall(r'"(dynamodb|kms|ses):(\w+)"', json.dumps(policies)))
    parts_of_transactions = {("dynamodb", "ConditionCheckItem")}
    transactions = {("dynamodb", "TransactWriteItems")}  # IAM checks the actions of their parts
    packaged = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    assert packaged - transactions == allowed - parts_of_transactions
    assert set(OPERATIONS) == set(SERVICES)


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_each_table_has_an_alarm(metric: str) -> None:
    watched = [
        resource["Properties"]["Dimensions"][0]["Value"]["Fn::Sub"]
        for resource in SERVICE.values()
        if resource.get("Properties", {}).get("MetricName") == metric
    ]
    assert sorted(watched) == sorted(TABLES)


def test_api_gateway_and_function_send_the_same_error_for_an_unknown_path() -> None:
    responses = SERVICE["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    for kind in ("MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND"):
        assert responses[kind]["statusCode"] == 404
        template = json.loads(responses[kind]["responseTemplates"]["application/json"])
        assert template == {"error": RouteNotFound().message}


def test_alarm_on_failed_logins_uses_the_metric_of_the_request_log() -> None:
    lines: list[str] = []
    RequestLog(lines.append, "a-stack").write({}, 401, 1.0, {"event": LOGIN_FAILED})
    (directive,) = json.loads(lines[0])["_aws"]["CloudWatchMetrics"]
    alarm = SERVICE["ManyFailedLogins"]["Properties"]
    assert alarm["Namespace"] == directive["Namespace"]
    assert alarm["MetricName"] in [metric["Name"] for metric in directive["Metrics"]]
    assert [[dimension["Name"] for dimension in alarm["Dimensions"]]] == directive["Dimensions"]


def test_deployer_policy_covers_each_service_and_fits_into_a_managed_policy() -> None:
    policy = json.loads((ROOT / "docs" / "guide" / "deployer-policy.json").read_text())
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6144
    allowed = {action.partition(":")[0] for statement in policy["Statement"] for action in as_list(statement["Action"])}
    services = {
        resource["Type"].split("::")[1].lower()
        for resource in [*DATA.values(), *SERVICE.values()]
        if "Type" in resource
    }
    assert services <= allowed


def test_data_is_retained_encrypted_and_protected() -> None:
    for name, resource in DATA.items():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resource["UpdateReplacePolicy"] == "Retain", name
    for table, properties in TABLES.items():
        assert properties["DeletionProtectionEnabled"], table
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], table
        assert properties["SSESpecification"]["SSEEnabled"], table
        assert properties["BillingMode"] == "PAY_PER_REQUEST", table


def test_local_gateway_compresses_like_api_gateway() -> None:
    assert SERVICE["RestAPI"]["Properties"]["MinimumCompressionSize"] == COMPRESSED_FROM_BYTES
