"""Kinds of damage that `waybill doctor` finds, for test_doctor.py."""

from collections.abc import Callable
from functools import partial

from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.tables import Tables

Damage = Callable[[Tables], object]
OLD_GENERATION = "0" * 16


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


def organization_deletion_interrupted(stack: Tables) -> None:
    stack.users("ops").update([stack.users.deletion_started.set(True)])


def tags_uncounted(stack: Tables) -> None:
    """A repository from before the count has tags, but no number."""
    stack.repositories("alice", "web").update([stack.repositories.tags.remove()])


def tags_counted_wrongly(stack: Tables) -> None:
    stack.repositories("alice", "web").update([stack.repositories.tags.set(-1)])


def member_with_one_item(stack: Tables) -> None:
    stack.collaborators("organization ops", "bobby").delete()


def member_with_two_roles(stack: Tables) -> None:
    stack.collaborators("account bobby", "ops/").update([stack.collaborators.role.set("admin")])


def member_without_account(stack: Tables) -> None:
    for of, entry in (("organization ops", "ghost"), ("account ghost", "ops/")):
        stack.collaborators(of, entry, role="read").save()


def member_of_missing_organization(stack: Tables) -> None:
    for of, entry in (("organization never", "bobby"), ("account bobby", "never/")):
        stack.collaborators(of, entry, role="read").save()


def organization_without_administrator(stack: Tables) -> None:
    for of, entry in (("organization ops", "alice"), ("account alice", "ops/")):
        stack.collaborators(of, entry).update([stack.collaborators.role.set("write")])


def member_count_wrong(stack: Tables) -> None:
    stack.users("ops").update([stack.users.members.set(5)])


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
    stack.users("carol").update([stack.users.shares.add(1)])


def share_with_missing_account(stack: Tables) -> None:
    generation = stack.repositories.get("alice", "shared").generation
    for of, entry in (("repository alice/shared", "ghost"), ("account ghost", "alice/shared")):
        stack.collaborators(of, entry, role="read", generation=generation).save()


def share_with_two_roles(stack: Tables) -> None:
    stack.collaborators("account bobby", "alice/shared").update([stack.collaborators.role.set("admin")])


def share_without_mark_in_head(stack: Tables) -> None:
    stack.images("alice/shared", HEAD).update([stack.images.shared.set(False)])


def term_missing(stack: Tables) -> None:
    stack.terms("public 1 w", "web 1 alice/web").delete()


def term_of_missing_repository(stack: Tables) -> None:
    stack.terms("public 1 z", "zebra 1 alice/never", rank=1).save()


def public_term_of_private_repository(stack: Tables) -> None:
    stack.terms("public 1 t", "tool 1 alice/tool", rank=1).save()


FIXABLE: dict[str, tuple[Damage, str]] = {
    "interrupted deletion": (deletion_interrupted, "deletion-interrupted"),
    "interrupted deletion of an organisation": (organization_deletion_interrupted, "deletion-interrupted"),
    "robot of a missing account": (robot_of_missing_account, "robot-orphaned"),
    "segments of an earlier generation": (segments_of_earlier_generation, "segments-orphaned"),
    "share of an earlier generation": (partial(share_of_repository, name="web"), "share-orphaned"),
    "share of a missing repository": (partial(share_of_repository, name="never"), "share-orphaned"),
    "missing term": (term_missing, "terms-missing"),
    "term of a missing repository": (term_of_missing_repository, "terms-stale"),
    "missing number of tags": (tags_uncounted, "tag-count-wrong"),
    "wrong number of tags": (tags_counted_wrongly, "tag-count-wrong"),
    "public term of a private repository": (public_term_of_private_repository, "terms-stale"),
}
REPORTED: dict[Damage, str] = {
    email_unassigned: "email-mismatch",
    email_assigned_to_another_account: "email-mismatch",
    email_assigned_to_missing_account: "email-mismatch",
    email_of_two_accounts: "email-mismatch",
    unconfirmed_email_of_no_account: "email-mismatch",
    confirmation_impossible: "confirmation-impossible",
    member_with_one_item: "member-incomplete",
    member_with_two_roles: "member-incomplete",
    member_without_account: "member-incomplete",
    member_of_missing_organization: "member-incomplete",
    organization_without_administrator: "administrator-missing",
    member_count_wrong: "member-count-wrong",
    head_missing: "repository-mismatch",
    item_missing: "repository-mismatch",
    deleted_repository_listed: "repository-mismatch",
    visibility_different: "repository-mismatch",
    generation_different: "repository-mismatch",
    segment_corrupt: "segment-corrupt",
    share_with_one_item: "share-incomplete",
    share_with_missing_account: "share-incomplete",
    share_with_two_roles: "share-incomplete",
    share_without_mark_in_head: "share-unmarked",
}
