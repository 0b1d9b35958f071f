"""`waybill doctor`: each kind of damage is found, and damage by an interruption is fixed without harm."""

from collections.abc import Iterator
from functools import partial

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.domain.tags import Tag, TagAction, TagEvent
from infra.admin.export_format import Item
from infra.admin.finding import Finding
from infra.admin.organization_checks import DATA_CHECKS
from infra.admin.target import Target, create_client
from infra.devserver.moto_aws import read_items
from tests.admin_commands import run
from tests.conftest import create_index
from tests.functional.damages import (
    FIXABLE,
    REPORTED,
    Damage,
    deletion_interrupted,
    organization_deletion_interrupted,
    segment_corrupt,
    term_missing,
)
from tests.index import Index, basic
from tests.snapshot import Snapshot

ALICE = basic("alice")


@pytest.fixture(scope="module")
def shared_index(module_aws: None) -> Index:
    """An index with all kinds of items and without problems."""
    index = create_index()
    index.create_account("root", admin=True)
    for username in ("alice", "bobby", "carol"):
        index.create_account(username)
    owner, services = Principal("alice"), index.services
    for name in ("web", "tool", "shared"):
        index.push(f"alice/{name}", ALICE, "aaa", "b" * 64)
    services.collaborators.add(owner, RepositoryName("alice", "shared"), "bobby", Role.WRITE)
    services.collaborators.add(owner, RepositoryName("alice", "shared"), "carol", Role.READ)
    services.collaborators.remove(owner, RepositoryName("alice", "shared"), "carol")
    services.repositories.change(owner, RepositoryName("alice", "tool"), description="For gardens", private=True)
    services.robots.create(index.user("bobby"), "builder", Role.WRITE)
    index.push("carol/site", basic("carol"), "ccc")
    services.tags.record(TagEvent(TagAction.PUSH, "alice/web", Tag("latest", f"sha256:{'a' * 64}", "", None, 1)))
    services.tags.record(TagEvent(TagAction.PUSH, "alice/web", Tag("old", f"sha256:{'a' * 64}", "", None, 1)))
    services.tags.record(TagEvent(TagAction.DELETE, "alice/web", Tag("old", "", "", None, 2)))
    services.organizations.create(owner, "ops")
    services.organizations.put_member(owner, "ops", "bobby", Role.WRITE)
    services.robots.create(services.organizations.authorize_administrator(owner, "ops"), "ci", Role.WRITE)
    index.push("ops/site", ALICE, "ddd")
    index.push("alice/deleted", ALICE, "ccc")
    index.request("DELETE", "/v1/repositories/alice/deleted", ALICE)
    return index


@pytest.fixture
def filled_index(shared_index: Index) -> Iterator[Index]:
    """The same index. Its items are restored after each test."""
    snapshot = Snapshot(shared_index)
    yield shared_index
    snapshot.restore()


@pytest.mark.exhaustive
def test_index_without_problems_has_no_findings(filled_index: Index) -> None:
    assert run(filled_index, "doctor").status == 0
    assert run(filled_index, "doctor", "--json").json == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(("damage", "code"), FIXABLE.values(), ids=FIXABLE)
def test_damage_by_an_interruption_is_fixed(filled_index: Index, damage: Damage, code: str) -> None:
    before = _items(filled_index)
    damage(filled_index.tables)
    fixed = run(filled_index, "doctor", "--fix", "--yes", "--json")
    assert fixed.status == 0, fixed.stdout
    assert {(finding["code"], finding["fixed"]) for finding in fixed.json} == {(code, True)}
    assert run(filled_index, "doctor", "--json").json == []
    if damage is deletion_interrupted:
        assert [user["username"] for user in run(filled_index, "users", "list", "--json").json] == [
            "alice",
            "bobby",
            "root",
        ]
    elif damage is organization_deletion_interrupted:
        assert run(filled_index, "repositories", "list", "ops", "--json").json == []
        assert filled_index.tables.users.get("ops").tombstone
    else:
        assert _items(filled_index) == before


@pytest.mark.parametrize(("damage", "code"), FIXABLE.values(), ids=FIXABLE)
def test_fix_changes_nothing_if_the_problem_no_longer_exists(filled_index: Index, damage: Damage, code: str) -> None:
    snapshot, before = Snapshot(filled_index), _items(filled_index)
    damage(filled_index.tables)
    findings = _find(filled_index)
    assert {finding.code for finding in findings} == {code}
    snapshot.restore()
    for finding in findings:
        assert finding.fix is not None
        finding.fix()
    assert _items(filled_index) == before


@pytest.mark.parametrize(("damage", "code"), REPORTED.items(), ids=lambda value: getattr(value, "__name__", value))
def test_other_damage_is_only_reported(filled_index: Index, damage: Damage, code: str) -> None:
    damage(filled_index.tables)
    findings = _find(filled_index)
    assert code in {finding.code for finding in findings}
    assert all(finding.fix is None for finding in findings if finding.code == code)
    assert all(finding.remedy for finding in findings)


@pytest.mark.exhaustive
def test_all_fixable_problems_are_fixed_in_one_run(filled_index: Index) -> None:
    for damage, _ in FIXABLE.values():
        damage(filled_index.tables)
    segment_corrupt(filled_index.tables)
    fixed = run(filled_index, "doctor", "--fix", "--yes", "--json")
    assert fixed.status == 1
    assert {finding["code"] for finding in fixed.json if finding["fixed"]} == {code for _, code in FIXABLE.values()}
    assert [finding["code"] for finding in run(filled_index, "doctor", "--json").json] == ["segment-corrupt"]


@pytest.mark.exhaustive
def test_fix_shows_the_problems_and_asks_first(filled_index: Index) -> None:
    term_missing(filled_index.tables)
    result = run(filled_index, "doctor", "--fix", stdin="n\n")
    assert result.status == 1
    assert "alice/web" in result.stdout
    assert "[y/N]" in result.stderr
    assert [finding["code"] for finding in run(filled_index, "doctor", "--json").json] == ["terms-missing"]


def test_missing_administrator_is_reported(filled_index: Index) -> None:
    run(filled_index, "users", "demote", "root")
    result = run(filled_index, "doctor", "--json")
    assert result.status == 1
    assert [(finding["code"], finding["fixable"]) for finding in result.json] == [("administrator-missing", False)]


def test_disabled_safeguards_of_tables_are_turned_on(index: Index) -> None:
    index.create_account("root", admin=True)
    dynamodb, stack = index.aws.dynamodb, index.settings.stack
    dynamodb.update_table(TableName=f"{stack}-users", DeletionProtectionEnabled=False)
    dynamodb.update_continuous_backups(
        TableName=f"{stack}-emails", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    dynamodb.update_time_to_live(
        TableName=f"{stack}-images", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    )
    problems = {
        ("deletion-protection", f"table {stack}-users"),
        ("backups", f"table {stack}-emails"),
        ("time-to-live", f"table {stack}-images"),
    }
    result = run(index, "doctor", "--json")
    assert {(finding["code"], finding["subject"]) for finding in result.json} == problems
    assert result.status == 1
    result = run(index, "doctor", "--fix", "--yes", "--json")
    assert {(finding["code"], finding["subject"]) for finding in result.json if finding["fixed"]} == problems
    assert result.status == 0
    assert run(index, "doctor").status == 0


def test_time_to_live_by_another_attribute_is_only_reported(index: Index) -> None:
    """DynamoDB accepts the change only an hour after time to live was turned off."""
    index.create_account("root", admin=True)
    for attribute, enabled in (("expires", False), ("created", True)):
        index.aws.dynamodb.update_time_to_live(
            TableName=f"{index.settings.stack}-images",
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
        )
    result = run(index, "doctor", "--fix", "--yes", "--json")
    assert [(finding["code"], finding["fixable"]) for finding in result.json] == [("time-to-live", False)]
    assert result.status == 1


def test_unusable_signing_key_is_reported(index: Index) -> None:
    index.create_account("root", admin=True)
    kms, alias = index.aws.kms, index.settings.key
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    assert _codes(index) == ["key-state"]
    other = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    assert _codes(index) == ["key-type", "key-type"]
    kms.delete_alias(AliasName=alias)
    assert _codes(index) == ["key-missing"]


@pytest.mark.parametrize(
    ("variables", "code"),
    [({"EMAIL_SENDER": "index@example.com"}, "settings-invalid"), ({"STACK": "another"}, "settings-stack")],
)
def test_invalid_settings_of_the_function_are_reported(
    filled_index: Index, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str
) -> None:
    environment = {"STACK": filled_index.settings.stack, **variables}
    monkeypatch.setattr(Target, "get_function_variables", lambda _: environment)
    assert _codes(filled_index) == [code]


def _codes(index: Index) -> list[str]:
    result = run(index, "doctor", "--json")
    assert result.status == 1
    return [finding["code"] for finding in result.json]


def _find(index: Index) -> list[Finding]:
    """Return the findings for the data in the tables."""
    target = Target(index.settings, index.aws, "the index", partial(create_client, region=index.settings.region))
    return [finding for check in DATA_CHECKS for finding in check(target)]


def _items(index: Index) -> list[Item]:
    def key_of(item: Item) -> tuple[str, list[tuple[str, str]]]:
        return item[0], sorted((name, str(value)) for name, value in item[1].items())

    return sorted(read_items(index.aws, index.settings), key=key_of)
