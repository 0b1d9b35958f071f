"""`python -m infra doctor`: it finds each way in which a stack can be wrong, and mends it without harm."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.tables import Tables
from infra.admin.checks.finding import Finding
from infra.admin.checks.stack import check_stack
from infra.admin.doctor import CHECKS
from infra.admin.target import Target
from infra.deploy.data_template import tables
from infra.devserver import moto_aws as aws
from tests.admin_commands import run
from tests.index import Index

pytestmark = pytest.mark.exhaustive

Damage = Callable[[Tables], None]


@pytest.fixture
def furnished(index: Index) -> Index:
    """A stack in order, with something of everything."""
    index.account("root", admin=True)
    alice = index.account("alice")
    for name in ("bobby", "carol"):
        index.account(name)
    services = Services(index.settings, index.aws)
    for name in ("web", "tool", "shared"):
        index.push(f"alice/{name}", alice, "aaa", "b" * 64)
    services.collaborators.share(Principal("alice"), RepositoryName("alice", "shared"), "bobby", Role.WRITE)
    services.repositories.change(
        Principal("alice"), RepositoryName("alice", "tool"), description="For gardens", private=True
    )
    services.robots.create("bobby", "builder", Role.WRITE)
    index.push("alice/gone", alice, "ccc")
    index.request("DELETE", "/v1/repositories/alice/gone", alice)
    return index


def generation(stack: Tables, name: str) -> str:
    found: str = stack.repositories.get("alice", name).generation
    return found


def address_of_nobody(stack: Tables) -> None:
    stack.emails("alice@example.com", username="alice").delete()


def address_of_a_stranger(stack: Tables) -> None:
    stack.emails("alice@example.com", username="carol").save()


def address_of_an_account_that_is_none(stack: Tables) -> None:
    stack.emails("ghost@example.com", username="ghost").save()


def address_of_two(stack: Tables) -> None:
    stack.users("carol").update([stack.users.emails.add({"bobby@example.com"})])


def address_to_confirm_that_is_not_there(stack: Tables) -> None:
    stack.users("carol").update([stack.users.unconfirmed.add({"old@example.com"})])


def removal_broken_off(stack: Tables) -> None:
    stack.users("carol").update([stack.users.deletion_started.set(True)])


def robot_of_nobody(stack: Tables) -> None:
    robot = stack.robots.get("bobby", "builder")
    stack.robots("ghost", "builder", token_hash=robot.token_hash, role="write", created=robot.created).save()


def no_head(stack: Tables) -> None:
    stack.images("alice/web", HEAD).delete()


def no_item(stack: Tables) -> None:
    stack.repositories("alice", "web").delete()


def listed_though_deleted(stack: Tables) -> None:
    item = stack.repositories.get("alice", "web")
    stack.repositories("alice", "gone", generation=item.generation, created=item.created).save()


def private_in_the_item_alone(stack: Tables) -> None:
    stack.repositories("alice", "web").update([stack.repositories.private.set(True)])


def public_in_the_item_alone(stack: Tables) -> None:
    stack.repositories("alice", "tool").update([stack.repositories.private.set(False)])


def item_of_an_earlier_life(stack: Tables) -> None:
    stack.repositories("alice", "web").update([stack.repositories.generation.set("0" * 16)])


def stray_segments(stack: Tables) -> None:
    for name in ("alice/web", "alice/never"):
        stack.images(name, f"segment/{'0' * 16}/0000000000000000000/0000", packed=b"\x01").save()


def corrupt_segment(stack: Tables) -> None:
    ours = f"segment/{stack.images.get('alice/web', HEAD).generation}/"
    (segment,) = stack.images.query("alice/web", stack.images.segment.startswith(ours))
    segment.packed = segment.packed[:-1]
    segment.save()


def one_side_of_a_share_missing(stack: Tables) -> None:
    stack.collaborators("repository alice/shared", "bobby").delete()


def share_of_an_earlier_life(stack: Tables) -> None:
    for of, entry in (("repository alice/web", "carol"), ("account carol", "alice/web")):
        stack.collaborators(of, entry, role="admin", generation="0" * 16).save()


def share_with_nobody(stack: Tables) -> None:
    for of, entry in (("repository alice/shared", "ghost"), ("account ghost", "alice/shared")):
        stack.collaborators(of, entry, role="read", generation=generation(stack, "shared")).save()


def share_with_two_roles(stack: Tables) -> None:
    stack.collaborators("account bobby", "alice/shared").update([stack.collaborators.role.set("admin")])


def share_that_the_head_does_not_know(stack: Tables) -> None:
    stack.images("alice/shared", HEAD).update([stack.images.shared.set(False)])


def term_missing(stack: Tables) -> None:
    stack.terms("public w", "web alice/web").delete()


def term_of_nothing(stack: Tables) -> None:
    stack.terms("public z", "zebra alice/never", rank=0).save()


def term_in_public_of_a_private_one(stack: Tables) -> None:
    stack.terms("public t", "tool alice/tool", rank=0).save()


DAMAGES: dict[Damage, str] = {
    address_of_nobody: "its address alice@example.com is noted as nobody's",
    address_of_a_stranger: "its address alice@example.com is carol's",
    address_of_an_account_that_is_none: "it is noted as ghost's, who does not have it",
    address_of_two: "its address bobby@example.com is bobby's",
    address_to_confirm_that_is_not_there: "it is to confirm old@example.com, which is not its address",
    removal_broken_off: "its removal was begun and not finished",
    robot_of_nobody: "there is no such account",
    no_head: "it has no head",
    no_item: "it is in no list of repositories",
    listed_though_deleted: "it was deleted and is still listed",
    private_in_the_item_alone: "it is private and public at once",
    public_in_the_item_alone: "it is private and public at once",
    item_of_an_earlier_life: "it is listed as an earlier one of its name",
    stray_segments: "1 segments of its earlier lives lie about",
    corrupt_segment: "is corrupt, so that nobody can read it",
    one_side_of_a_share_missing: "one side of it is missing",
    share_of_an_earlier_life: "it is of an earlier repository of this name",
    share_with_nobody: "there is no such account",
    share_with_two_roles: "its two sides say different roles",
    share_that_the_head_does_not_know: "it is shared, and its head does not say so",
    term_missing: "a search does not find it by all of its words",
    term_of_nothing: "1 search terms that are not its own lead to it",
    term_in_public_of_a_private_one: "1 search terms that are not its own lead to it",
}


def test_a_stack_in_order_has_nothing_to_find(furnished: Index) -> None:
    ran = run(furnished, "doctor")
    assert (ran.status, ran.out) == (0, f"the stack {furnished.settings.stack} in us-east-1 is in order\n")
    assert run(furnished, "doctor", "--json").json == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_each_damage_is_found_and_mended_and_nothing_is_touched_that_is_in_order_again(
    furnished: Index, damage: Damage
) -> None:
    before = _state(furnished)
    damage(furnished.tables)
    found = _findings(furnished)
    assert any(DAMAGES[damage] in finding.problem for finding in found), found
    _restore(furnished, before)
    for finding in found:
        assert finding.mend is not None
        if damage is not removal_broken_off:  # whose mend is the removal: it takes the account as it is
            finding.mend()
    assert _state(furnished) == before
    damage(furnished.tables)
    mended = run(furnished, "doctor", "--mend", "--yes")
    assert mended.status == 0, mended.out
    assert DAMAGES[damage] in mended.out
    assert _findings(furnished) == []
    if damage is not private_in_the_item_alone:
        assert furnished.ids("alice/web") == (["aaa"] if damage is corrupt_segment else ["aaa", "b" * 64])
        found_by = furnished.request("GET", "/v1/search?q=web").json["results"]
        assert [result["name"] for result in found_by] == ["alice/web"]


def test_all_at_once(furnished: Index) -> None:
    for damage in DAMAGES:
        if damage not in (no_head, no_item, listed_though_deleted, item_of_an_earlier_life, address_of_nobody):
            damage(furnished.tables)
    found = run(furnished, "doctor", "--json").json
    for damage in (corrupt_segment, stray_segments, share_with_nobody, address_of_two, term_of_nothing):
        assert any(DAMAGES[damage] in finding["problem"] for finding in found), damage
    assert run(furnished, "doctor", "--mend", "--yes").status == 0
    assert run(furnished, "doctor", "--json").json == []


def test_mending_asks_first_and_shows_what_it_would_do(furnished: Index) -> None:
    term_missing(furnished.tables)
    ran = run(furnished, "doctor", "--mend", given="n\n")
    assert ran.status == 1
    assert "write its terms anew" in ran.out
    assert "Mend 1 of them" in ran.err
    assert len(run(furnished, "doctor", "--json").json) == 1


def test_a_corrupt_segment_keeps_what_can_be_read(furnished: Index) -> None:
    (segment,) = (item for item in furnished.tables.images.query("alice/web") if item.segment != HEAD)
    segment.packed += b"\x07"
    segment.save()
    assert furnished.request("GET", "/v1/repositories/alice/web/images").status == 500
    run(furnished, "doctor", "--mend", "--yes")
    assert furnished.ids("alice/web") == ["aaa", "b" * 64]


def test_a_private_repository_is_never_made_public(furnished: Index) -> None:
    for damage, name in ((private_in_the_item_alone, "web"), (public_in_the_item_alone, "tool")):
        damage(furnished.tables)
        run(furnished, "doctor", "--mend", "--yes")
        assert furnished.request("GET", f"/v1/repositories/alice/{name}/images").status == 404
        assert furnished.request("GET", f"/v1/search?q={name}").json["num_results"] == 0


def test_nobody_is_administrator(furnished: Index) -> None:
    run(furnished, "users", "demote", "root")
    ran = run(furnished, "doctor")
    assert ran.status == 1
    assert "nobody is its administrator" in ran.out
    assert "--mend" not in ran.out


def test_tables_without_their_safeguards(furnished: Index) -> None:
    dynamodb, stack = furnished.aws.dynamodb, furnished.settings.stack
    dynamodb.update_table(TableName=f"{stack}-users", DeletionProtectionEnabled=False)
    dynamodb.update_continuous_backups(
        TableName=f"{stack}-emails", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    dynamodb.update_time_to_live(
        TableName=f"{stack}-images", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    )
    found = run(furnished, "doctor", "--json").json
    assert [(finding["about"], finding["problem"]) for finding in found] == [
        (f"table {stack}-users", "it can be deleted by mistake"),
        (f"table {stack}-emails", "there is no way back to an earlier time"),
        (f"table {stack}-images", "what is past its time stays for ever"),
    ]
    assert run(furnished, "doctor", "--mend", "--yes").status == 0
    assert run(furnished, "doctor", "--json").json == []


def test_a_key_that_cannot_sign_is_found_and_left_to_a_person(furnished: Index) -> None:
    kms, alias = furnished.aws.kms, furnished.settings.key
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    assert "it is Disabled" in run(furnished, "doctor").out
    kms.update_alias(
        AliasName=alias,
        TargetKeyId=kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"],
    )
    found = run(furnished, "doctor", "--json").json
    assert [finding["problem"] for finding in found] == [
        "its KeySpec is RSA_2048, not HMAC_256",
        "its KeyUsage is ENCRYPT_DECRYPT, not GENERATE_VERIFY_MAC",
    ]
    kms.delete_alias(AliasName=alias)
    mended = run(furnished, "doctor", "--mend", "--yes")
    assert mended.status == 1
    assert "there is no such key" in mended.out


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"EMAIL_SENDER": "index@example.com"}, "it cannot start: EMAIL_SENDER needs BASE_URL"),
        ({"STACK": "another"}, "its STACK is another"),
    ],
)
def test_a_function_with_settings_that_cannot_be(
    furnished: Index, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    monkeypatch.setattr(Target, "function_variables", lambda _: {"STACK": furnished.settings.stack, **variables})
    ran = run(furnished, "doctor", "--json")
    assert [said in finding["problem"] for finding in ran.json] == [True]


def _findings(index: Index) -> list[Finding]:
    """What is found in the tables, without the stack's own checks."""
    target = Target(index.settings, index.aws, "the stack")
    return [finding for check in CHECKS if check is not check_stack for finding in check(target)]


def _state(index: Index) -> list[tuple[str, Any]]:
    return aws.items(index.settings.stack, index.settings.region)


def _restore(index: Index, state: list[tuple[str, Any]]) -> None:
    kept = {(table, *(item[key]["S"] for key in tables()[table].keys)) for table, item in state}
    for table, item in _state(index):
        if (table, *(item[key]["S"] for key in tables()[table].keys)) not in kept:
            key = {name: item[name] for name in tables()[table].keys}
            index.aws.dynamodb.delete_item(TableName=f"{index.settings.stack}-{table}", Key=key)
    aws.put(index.settings.stack, index.settings.region, [(table, msgspec.to_builtins(item)) for table, item in state])
