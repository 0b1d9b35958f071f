"""The CloudFormation templates agree with the models, the role with the code, and the alarms with the tables.

tests/unit/test_configuration.py compares the parameters with the settings.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session
from pynamodb.models import Model

from bench.aws_cost import prices
from chalicelib.aws import SERVICES
from chalicelib.request_log import LOGIN_FAILED, RequestLog
from chalicelib.storage.tables import CounterItem, EmailItem, ImagesItem, Tables, TagItem
from infra import ROOT
from infra.deploy import cost
from infra.deploy.cost import ALARMS
from infra.deploy.data_template import resources
from infra.deploy.service_models import OPERATIONS
from infra.deploy.service_template import COMPUTED, option_name, option_parameters, read_service_template

DATA = resources(with_token_key=True)
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


def test_items_expire_by_a_number_in_their_model() -> None:
    expiring = {
        table: properties["TimeToLiveSpecification"]["AttributeName"]
        for table, properties in TABLES.items()
        if properties.get("TimeToLiveSpecification", {}).get("Enabled")
    }
    expected = {
        "${Stack}-images": ImagesItem.expires,
        "${Stack}-counters": CounterItem.expires,
        "${Stack}-emails": EmailItem.expires,
        "${Stack}-tags": TagItem.expires,
    }
    assert expiring == {table: attribute.attr_name for table, attribute in expected.items()}
    assert {attribute.attr_type for attribute in expected.values()} == {"N"}


def test_each_parameter_is_computed_or_an_option_with_a_default() -> None:
    parameters = read_service_template()["Parameters"]
    assert set(parameters) == set(option_parameters()) | set(COMPUTED)
    for name, parameter in option_parameters().items():
        assert option_name(name).startswith("--")
        assert "Default" in parameter, name
        assert "NoEcho" not in parameter, name
    for name, parameter in parameters.items():
        assert parameter["Description"], name


def list_statements() -> list[dict[str, Any]]:
    """Return the statements of all policies of the role, also of those with a condition."""
    policies = [policy.get("Fn::If", [None, policy])[1] for policy in SERVICE["FunctionRole"]["Properties"]["Policies"]]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def test_role_names_exactly_the_tables_and_no_action_has_a_wildcard() -> None:
    arns = [
        arn
        for statement in list_statements()
        if "dynamodb" in str(statement["Action"])
        for arn in as_list(statement["Resource"])
    ]
    assert {arn["Fn::Sub"].rpartition("table/")[2].partition("/index/")[0] for arn in arns} == set(TABLES)
    assert not any("*" in str(statement["Action"]) for statement in list_statements())


def test_role_signs_bearer_tokens_only_with_the_token_key() -> None:
    signing = [statement for statement in list_statements() if "kms:Sign" in statement["Action"]]
    assert [statement["Resource"] for statement in signing] == [{"Ref": "TokenKey"}]
    properties = DATA["TokenKey"]["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"], properties["MultiRegion"]) == (
        "RSA_2048",
        "SIGN_VERIFY",
        True,
    )
    assert DATA["TokenKey"]["Condition"] == DATA["TokenKeyAlias"]["Condition"]


def test_boundary_allows_exactly_the_actions_of_the_role() -> None:
    boundary = json.loads((ROOT / "docs" / "guide" / "permissions-boundary.json").read_text())
    bounded = {action for statement in boundary["Statement"] for action in as_list(statement["Action"])}
    assert bounded == {action for statement in list_statements() for action in as_list(statement["Action"])}


def test_role_allows_exactly_the_packaged_operations() -> None:
    actions = [action for statement in list_statements() for action in as_list(statement["Action"])]
    of_lambda = {"logs:CreateLogStream", "logs:PutLogEvents"}  # Lambda writes the log with the role of the function
    allowed = {tuple(action.split(":")) for action in actions if action not in of_lambda}
    parts_of_transactions = {("dynamodb", "ConditionCheckItem")}
    transactions = {("dynamodb", "TransactWriteItems")}  # IAM checks the actions of their parts
    packaged = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    assert packaged - transactions == allowed - parts_of_transactions
    assert set(OPERATIONS) == set(SERVICES)


def test_service_stack_is_small_and_has_four_alarms() -> None:
    assert len(SERVICE) <= 28
    types = [resource["Type"] for resource in SERVICE.values()]
    assert types.count("AWS::CloudWatch::Alarm") == ALARMS == 4
    assert not [each for each in types if each.split("::")[1] in ("Serverless", "CloudFront", "ApiGateway")]
    assert "Transform" not in read_service_template()


def test_each_throttle_has_a_route_to_the_function() -> None:
    routes = {
        name: resource["Properties"] for name, resource in SERVICE.items() if resource["Type"].endswith("V2::Route")
    }
    stage = SERVICE["Stage"]
    assert {route["RouteKey"] for route in routes.values()} == {"$default", *stage["Properties"]["RouteSettings"]}
    assert {json.dumps(route["Target"]) for route in routes.values()} == {'{"Fn::Sub": "integrations/${Integration}"}'}
    assert set(stage["DependsOn"]) == set(routes)


def test_cost_in_the_plan_is_that_of_the_cost_model() -> None:
    assert (cost.KEY_PER_MONTH, cost.ALARM_PER_MONTH) == (prices.KEY_PER_MONTH, prices.ALARM_PER_MONTH)
    assert "$1.40 a month" in cost.describe_cost({}, has_token_key=False)
    assert "$5.40 a month" in cost.describe_cost({"Dashboard": "on"}, has_token_key=True)


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
        resource["Type"].split("::")[1].lower().removesuffix("v2")  # both kinds of APIs have the same actions
        for resource in [*DATA.values(), *SERVICE.values()]
        if "Type" in resource
    }
    assert services <= allowed


def test_deployer_can_only_create_roles_with_the_boundary() -> None:
    policy = json.loads((ROOT / "docs" / "guide" / "deployer-policy.json").read_text())
    for statement in policy["Statement"]:
        actions = set(as_list(statement["Action"]))
        if actions & {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}:
            boundary = "arn:aws:iam::*:policy/waybill-boundary"
            assert statement["Condition"] == {"StringLike": {"iam:PermissionsBoundary": boundary}}
        assert not actions & {"iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"}


def test_data_is_retained_encrypted_and_protected() -> None:
    for name, resource in DATA.items():
        is_table = resource["Type"] == "AWS::DynamoDB::Table"
        assert resource["DeletionPolicy"] == ("Retain" if is_table else "RetainExceptOnCreate"), name
        assert resource["UpdateReplacePolicy"] == "Retain", name
    for table, properties in TABLES.items():
        assert properties["DeletionProtectionEnabled"], table
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], table
        assert "SSESpecification" not in properties, table  # DynamoDB's own key encrypts it
        assert properties["BillingMode"] == "PAY_PER_REQUEST", table
