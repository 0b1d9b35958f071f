"""The two templates agree: what infra/template.yaml keeps, infra/service.yaml may use and watches."""

import json
from pathlib import Path
from typing import Any

import yaml

from chalicelib.errors import NothingHere

INFRA = Path(__file__).parents[2] / "infra"
DATA: dict[str, Any] = yaml.safe_load((INFRA / "template.yaml").read_text())["Resources"]
SERVICE: dict[str, Any] = yaml.safe_load((INFRA / "service.yaml").read_text())["Resources"]
TABLES = {
    resource["Properties"]["TableName"]["Fn::Sub"]
    for resource in DATA.values()
    if resource["Type"] == "AWS::DynamoDB::Table"
}


def test_the_role_names_each_table_and_no_other_and_no_action_is_a_star() -> None:
    statements = SERVICE["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    named = {
        statement["Resource"]["Fn::Sub"].rpartition("table/")[2].partition("/index/")[0]
        for statement in statements
        if "dynamodb" in str(statement["Action"])
    }
    assert named == TABLES
    assert not any("*" in str(statement["Action"]) for statement in statements)


def test_the_alarms_watch_each_table() -> None:
    for alarm in ("ReadsThrottled", "WritesThrottled"):
        metrics = json.dumps(SERVICE[alarm]["Properties"]["Metrics"])
        assert {table for table in TABLES if f'"{table}"' in metrics} == TABLES


def test_a_path_that_is_not_served_is_answered_in_the_function_s_words() -> None:
    assert NothingHere().message in (INFRA / "service.yaml").read_text()


def test_what_holds_data_is_kept_and_protected() -> None:
    for name, resource in DATA.items():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resource["UpdateReplacePolicy"] == "Retain", name
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            assert properties["DeletionProtectionEnabled"], name
            assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], name
            assert properties["BillingMode"] == "PAY_PER_REQUEST", name
