"""Templates, models and settings agree, so that no key, index, TTL or setting can drift."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from botocore.handlers import BUILTIN_HANDLERS
from pynamodb.models import Model

from chalicelib.api.errors import RouteNotFound
from chalicelib.aws import SERVICES, concerns_our_services, create_clients
from chalicelib.request_log import LOGIN_FAILED, RequestLog
from chalicelib.settings import Settings
from chalicelib.storage.tables import ImagesItem, RateCounterItem, Tables
from infra.deploy.data_template import resources
from infra.deploy.options import FILLED_IN, option_name, parameters
from infra.deploy.package import OPERATIONS, ROOT, SERVICE_TEMPLATE
from infra.devserver.gateway import COMPRESSED_FROM_BYTES

DATA = resources()
SERVICE_DOCUMENT: dict[str, Any] = yaml.safe_load(SERVICE_TEMPLATE.read_text())
SERVICE: dict[str, Any] = SERVICE_DOCUMENT["Resources"]
DESCRIBED = {
    resource["Properties"]["TableName"]["Fn::Sub"]: resource["Properties"]
    for resource in DATA.values()
    if resource["Type"] == "AWS::DynamoDB::Table"
}
ENVIRONMENT: dict[str, Any] = SERVICE["APIHandler"]["Properties"]["Environment"]["Variables"]


class Noting(dict[str, str]):
    """An environment that notes what it was asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def models() -> Iterator[tuple[str, type[Model]]]:
    tables = Tables(create_clients("us-east-1").dynamodb, "us-east-1", lambda name: "${Stack}-" + name)
    for model in vars(tables).values():
        if isinstance(model, type) and issubclass(model, Model):
            yield model.Meta.table_name, model


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def keys(schema: Any) -> list[tuple[str, str]]:
    """A key as the template writes it, its hash first."""
    written = [(key["AttributeName"], key["KeyType"]) for key in schema]
    return sorted(written, key=lambda key: ("HASH", "RANGE").index(key[1]))


def test_the_template_has_a_table_for_each_model_and_no_other() -> None:
    assert {name for name, _ in models()} == set(DESCRIBED)


@pytest.mark.parametrize(("table", "model"), list(models()))
def test_a_model_and_its_table_have_the_same_keys_types_and_indexes(table: str, model: type[Model]) -> None:
    properties, schema = DESCRIBED[table], model._get_schema()
    assert keys(properties["KeySchema"]) == keys(schema["key_schema"])
    described = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", [])}
    indexes = {index["index_name"]: index for index in schema["global_secondary_indexes"]}
    assert set(described) == set(indexes)
    for name, index in indexes.items():
        assert keys(described[name]["KeySchema"]) == keys(index["key_schema"])
        assert described[name]["Projection"] == index["projection"]
    types = {each["AttributeName"]: each["AttributeType"] for each in schema["attribute_definitions"]}
    assert {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]} == types


def test_dynamodb_forgets_by_the_number_that_the_model_writes_and_never_a_robot() -> None:
    forgetting = {
        table: properties["TimeToLiveSpecification"]["AttributeName"]
        for table, properties in DESCRIBED.items()
        if properties.get("TimeToLiveSpecification", {}).get("Enabled")
    }
    expected = {"${Stack}-images": ImagesItem.expires, "${Stack}-attempts": RateCounterItem.expires}
    assert forgetting == {table: attribute.attr_name for table, attribute in expected.items()}
    assert {attribute.attr_type for attribute in expected.values()} == {"N"}


def test_the_function_is_told_every_setting_and_nothing_else() -> None:
    environment = Noting()
    Settings.from_environment(environment)
    of_lambda = {"AWS_REGION", "AWS_DEFAULT_REGION"}
    assert environment.asked - of_lambda == set(ENVIRONMENT)


def test_a_parameter_and_its_setting_have_the_same_default() -> None:
    described = SERVICE_DOCUMENT["Parameters"]
    defaults = {
        variable: str(described[value["Ref"]]["Default"])
        for variable, value in ENVIRONMENT.items()
        if "Default" in described.get(value.get("Ref"), {})
    }
    assert len(defaults) >= 5
    assert Settings.from_environment(defaults) == Settings()


@pytest.mark.parametrize("parameter", parameters())
def test_what_a_parameter_allows_its_setting_takes(parameter: str) -> None:
    described = parameters()[parameter]
    variables = [name for name, value in ENVIRONMENT.items() if value == {"Ref": parameter}]
    values = described.get("AllowedValues") or [
        described[limit] for limit in ("MinValue", "MaxValue") if limit in described
    ]
    for variable in variables:
        for value in values:
            Settings.from_environment({variable: str(value)})


def test_every_parameter_is_filled_in_or_an_option_with_a_default_and_a_word_about_it() -> None:
    assert set(SERVICE_DOCUMENT["Parameters"]) == set(parameters()) | set(FILLED_IN)
    for name, parameter in parameters().items():
        assert option_name(name).startswith("--")
        assert "Default" in parameter, name
        assert parameter["Description"], name


def test_the_role_names_each_table_and_no_other_and_no_action_is_a_star() -> None:
    statements = SERVICE["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    each = [
        one
        for statement in statements
        if "dynamodb" in str(statement["Action"])
        for one in listed(statement["Resource"])
    ]
    named = {one["Fn::Sub"].rpartition("table/")[2].partition("/index/")[0] for one in each}
    assert named == set(DESCRIBED)
    assert not any("*" in str(statement["Action"]) for statement in statements)


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_an_alarm_watches_each_table(metric: str) -> None:
    watched = [
        resource["Properties"]["Dimensions"][0]["Value"]["Fn::Sub"]
        for resource in SERVICE.values()
        if resource.get("Properties", {}).get("MetricName") == metric
    ]
    assert sorted(watched) == sorted(DESCRIBED)


def test_a_path_that_is_not_served_is_answered_in_the_function_s_words() -> None:
    assert RouteNotFound().message in SERVICE_TEMPLATE.read_text()


def test_the_alarm_on_failed_sign_ins_watches_the_metric_that_the_function_writes() -> None:
    lines: list[str] = []
    RequestLog(lines.append, "a-stack").write({}, 401, 1.0, {"event": LOGIN_FAILED})
    (written,) = json.loads(lines[0])["_aws"]["CloudWatchMetrics"]
    watched = SERVICE["ManyFailedLogins"]["Properties"]
    assert watched["Namespace"] == written["Namespace"]
    assert watched["MetricName"] in [metric["Name"] for metric in written["Metrics"]]
    assert [[dimension["Name"] for dimension in watched["Dimensions"]]] == written["Dimensions"]


def test_the_deployers_policy_reaches_every_service_of_the_templates_and_fits_a_managed_policy() -> None:
    policy = json.loads((ROOT / "docs" / "guide" / "deployer-policy.json").read_text())
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6144, "AWS takes no longer one"
    reached = {action.partition(":")[0] for statement in policy["Statement"] for action in listed(statement["Action"])}
    services = {
        resource["Type"].split("::")[1].lower()
        for resource in [*DATA.values(), *SERVICE.values()]
        if "Type" in resource
    }
    assert services <= reached


def test_what_holds_data_is_kept_and_protected() -> None:
    for name, resource in DATA.items():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resource["UpdateReplacePolicy"] == "Retain", name
    for table, properties in DESCRIBED.items():
        assert properties["DeletionProtectionEnabled"], table
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], table
        assert properties["SSESpecification"]["SSEEnabled"], table
        assert properties["BillingMode"] == "PAY_PER_REQUEST", table


def test_the_zip_has_the_calls_that_the_role_allows_and_no_others() -> None:
    policies = SERVICE["FunctionRole"]["Properties"]["Policies"]
    allowed = set(re.findall(r'"(dynamodb|kms|ses):(\w+)"', json.dumps(policies)))
    asked_within_transactions = {("dynamodb", "ConditionCheckItem")}
    transactions = {("dynamodb", "TransactWriteItems")}  # allowed by what they are made of
    packed = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    assert packed - transactions == allowed - asked_within_transactions
    assert set(OPERATIONS) == set(SERVICES)


def test_the_local_gateway_compresses_as_the_real_one() -> None:
    assert SERVICE["RestAPI"]["Properties"]["MinimumCompressionSize"] == COMPRESSED_FROM_BYTES


def test_a_session_has_botocores_handlers_for_our_services_alone() -> None:
    assert concerns_our_services("before-send")
    assert concerns_our_services("before-call.*")
    assert concerns_our_services("before-call.dynamodb.PutItem")
    assert not concerns_our_services("before-call.s3.PutObject")
    assert not concerns_our_services("docs.*.dynamodb.complete-section")
    assert all(len(spec) == 2 for spec in BUILTIN_HANDLERS if concerns_our_services(spec[0])), (
        "one is to come first or last"
    )
