"""`waybill doctor`: each kind of damage is found, and damage by an interruption is fixed without harm."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.tables import Tables
from infra.admin.checks import CHECKS, Finding
from infra.admin.export_format import Item
from infra.admin.target import Target, create_client
from infra.devserver.moto_aws import read_items
from tests.admin_commands import run
from tests.conftest import create_index
from tests.index import Index, basic
from tests.snapshot import Snapshot

Damage = Callable[[Tables], object]
ALICE = basic("alice")
OLD_GENERATION = "0" * 16


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
    services.repositories.change(owner, RepositoryName("alice", "tool"), description="For gardens", private=True)
    services.robots.create("bobby", "builder", Role.WRITE)
    index.push("carol/site", basic("carol"), "ccc")
    index.push("alice/deleted", ALICE, "ccc")
    index.request("DELETE", "/v1/repositories/alice/deleted", ALICE)
    return index


@pytest.fixture
def filled_index(shared_index: Index) -> Iterator[Index]:
    """The same index. Its items are restored after each test."""
    snapshot = Snapshot(shared_index)
    yield shared_index
    snapshot.restore()


def email_unassigned(stack: Tables) -> None:
    stack.emails("alice@example.com", username="alice").delete()


def email_assigned_to_another_account(stack: Tables) -> None:
    stack.emails("alice@example.com", username="carol").save()


def email_assigned_to_missing_account(stack: Tables) -> None:
    stack.emails("ghost@example.com", username="ghost").save()


def email_of_two_accounts(stack: Tables) -> None:
    stack.users("carol").update([stack.users.emails.add({"bobby@example.com"})])


def unconfirmed_email_of_no_account(stack: Tables) -> None:
    stack.users("carol").update([stack.users.unconfirmed.add({"old@example.com"})])


def confirmation_impossible(stack: Tables) -> None:
    stack.users("carol").update([stack.users.awaiting_confirmation.set(True)])


def deletion_interrupted(stack: Tables) -> None:
    stack.users("carol").update([stack.users.deletion_started.set(True)])


def robot_of_missing_account(stack: Tables) -> None:
    robot = stack.robots.get("bobby", "builder")
    stack.robots("ghost", "builder", token_hash=robot.token_hash, role="write", created=robot.created).save()


def head_missing(stack: Tables) -> None:
    stack.images("alice/web", HEAD).delete()


def item_missing(stack: Tables) -> None:
    stack.repositories("alice", "web").delete()


def deleted_repository_listed(stack: Tables) -> None:
    item = stack.repositories.get("alice", "web")
    stack.repositories("alice", "deleted", generation=item.generation, created=item.created).save()


def visibility_different(stack: Tables) -> None:
    stack.repositories("alice", "tool").update([stack.repositories.private.set(False)])


def generation_different(stack: Tables) -> None:
    stack.repositories("alice", "web").update([stack.repositories.generation.set(OLD_GENERATION)])


def segments_of_earlier_generation(stack: Tables) -> None:
    for name in ("alice/web", "alice/never"):
        stack.images(name, f"segment/{OLD_GENERATION}/0000000000000000000/0000", packed=b"\x01").save()


def segment_corrupt(stack: Tables) -> None:
    prefix = f"segment/{stack.images.get('alice/web', HEAD).generation}/"
    (segment,) = stack.images.query("alice/web", stack.images.segment.startswith(prefix))
    segment.packed = segment.packed[:-1]
    segment.save()


def share_with_one_item(stack: Tables) -> None:
    stack.collaborators("repository alice/shared", "bobby").delete()


def share_of_repository(stack: Tables, name: str) -> None:
    for of, entry in ((f"repository alice/{name}", "carol"), ("account carol", f"alice/{name}")):
        stack.collaborators(of, entry, role="admin", generation=OLD_GENERATION).save()


def share_with_missing_account(stack: Tables) -> None:
    generation = stack.repositories.get("alice", "shared").generation
    for of, entry in (("repository alice/shared", "ghost"), ("account ghost", "alice/shared")):
        stack.collaborators(of, entry, role="read", generation=generation).save()


def share_with_two_roles(stack: Tables) -> None:
    stack.collaborators("account bobby", "alice/shared").update([stack.collaborators.role.set("admin")])


def share_without_mark_in_head(stack: Tables) -> None:
    stack.images("alice/shared", HEAD).update([stack.images.shared.set(False)])


def term_missing(stack: Tables) -> None:
    stack.terms("public w", "web alice/web").delete()


def term_of_missing_repository(stack: Tables) -> None:
    stack.terms("public z", "zebra alice/never", rank=0).save()


def public_term_of_private_repository(stack: Tables) -> None:
    stack.terms("public t", "tool alice/tool", rank=0).save()


FIXABLE: dict[str, tuple[Damage, str]] = {
    "interrupted deletion": (deletion_interrupted, "deletion-interrupted"),
    "robot of a missing account": (robot_of_missing_account, "robot-orphaned"),
    "segments of an earlier generation": (segments_of_earlier_generation, "segments-orphaned"),
    "share of an earlier generation": (partial(share_of_repository, name="web"), "share-orphaned"),
    "share of a missing repository": (partial(share_of_repository, name="never"), "share-orphaned"),
    "missing term": (term_missing, "terms-missing"),
    "term of a missing repository": (term_of_missing_repository, "terms-stale"),
    "public term of a private repository": (public_term_of_private_repository, "terms-stale"),
}
REPORTED: dict[Damage, str] = {
    email_unassigned: "email-mismatch",
    email_assigned_to_another_account: "email-mismatch",
    email_assigned_to_missing_account: "email-mismatch",
    email_of_two_accounts: "email-mismatch",
    unconfirmed_email_of_no_account: "email-mismatch",
    confirmation_impossible: "confirmation-impossible",
    head_missing: "repository-mismatch",
    item_missing: "repository-mismatch",
    deleted_repository_listed: "repository-mismatch",
    visibility_different: "repository-mismatch",
    generation_different: "repository-mismatch",
    segment_corrupt: "segment-corrupt",
    share_with_one_item: "share-incomplete",
    share_with_missing_account: "share-incomplete",
    share_with_two_roles: "share-incomplete",
    share_without_mark_in_head: "share-ineffective",
}


def test_index_without_problems_has_no_findings(filled_index: Index) -> None:
    assert run(filled_index, "doctor").status == 0
    assert run(filled_index, "doctor", "--json").json == []


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


def test_all_fixable_problems_are_fixed_in_one_run(filled_index: Index) -> None:
    for damage, _ in FIXABLE.values():
        damage(filled_index.tables)
    segment_corrupt(filled_index.tables)
    fixed = run(filled_index, "doctor", "--fix", "--yes", "--json")
    assert fixed.status == 1
    assert {finding["code"] for finding in fixed.json if finding["fixed"]} == {code for _, code in FIXABLE.values()}
    assert [finding["code"] for finding in run(filled_index, "doctor", "--json").json] == ["segment-corrupt"]


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


def test_disabled_safeguards_of_tables_are_reported(index: Index) -> None:
    index.create_account("root", admin=True)
    dynamodb, stack = index.aws.dynamodb, index.settings.stack
    dynamodb.update_table(TableName=f"{stack}-users", DeletionProtectionEnabled=False)
    dynamodb.update_continuous_backups(
        TableName=f"{stack}-emails", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    dynamodb.update_time_to_live(
        TableName=f"{stack}-images", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    )
    result = run(index, "doctor", "--fix", "--yes", "--json")
    assert result.status == 1
    assert {(finding["code"], finding["subject"], finding["fixed"]) for finding in result.json} == {
        ("deletion-protection", f"table {stack}-users", False),
        ("backups", f"table {stack}-emails", False),
        ("time-to-live", f"table {stack}-images", False),
    }


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
    return [finding for check in CHECKS for finding in check(target)]


def _items(index: Index) -> list[Item]:
    def key_of(item: Item) -> tuple[str, list[tuple[str, str]]]:
        return item[0], sorted((name, str(value)) for name, value in item[1].items())

    return sorted(read_items(index.aws, index.settings), key=key_of)
