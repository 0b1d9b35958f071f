"""The checks of `waybill doctor` for organisations. `checks.py` contains the others and the rules for all."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from chalicelib.domain.models import Organization
from chalicelib.domain.roles import Role
from chalicelib.storage.collaborators import MEMBER_SUFFIX
from chalicelib.storage.tables import CollaboratorItem
from infra.admin.checks import CHECKS, RESTORE
from infra.admin.command import OPERATOR
from infra.admin.finding import Finding
from infra.admin.scans import scan_organizations, scan_users
from infra.admin.tag_checks import check_tags
from infra.admin.target import Target


def check_organizations(index: Target) -> Iterator[Finding]:
    """Check the organisations, their members, and the numbers that protect the last administrator."""
    members = _read_members(index)
    organizations = {organization.name: organization for organization in scan_organizations(index)}
    usernames = {user.username for user in scan_users(index)}
    for name, items in sorted(members.items()):
        for username, pair in sorted(items.items()):
            subject = f"{username} in {name}"
            if len(pair) != 2 or pair[0].role != pair[1].role:
                yield Finding("member-incomplete", subject, "the two items of the member are not equal", RESTORE)
            elif name not in organizations:
                yield Finding("member-incomplete", subject, "the organisation does not exist", RESTORE)
            elif username not in usernames:
                yield Finding("member-incomplete", subject, "the account does not exist", RESTORE)
    for name, organization in sorted(organizations.items()):
        yield from _check_organization(index, organization, members.get(name, {}))


def _check_organization(
    index: Target, organization: Organization, items: dict[str, list[CollaboratorItem]]
) -> Iterator[Finding]:
    subject = f"organization {organization.name}"
    if organization.deletion_started:
        fix = partial(_finish_deletion, index, organization)
        yield Finding("deletion-interrupted", subject, "the deletion is incomplete", "finish the deletion", fix)
        return
    administrators = sum(pair[0].role == Role.ADMIN.word for pair in items.values())
    if not administrators:
        remedy = f"run: waybill organizations add {organization.name} USERNAME --access admin"
        yield Finding("administrator-missing", subject, "the organisation has no administrator", remedy)
    if (organization.members, organization.administrators) != (len(items), administrators):
        problem = (
            f"it counts {organization.members} members and {organization.administrators} administrators, but has "
            f"{len(items)} and {administrators}"
        )
        yield Finding("member-count-wrong", subject, problem, f"import --merge can cause this; {RESTORE}")


def _read_members(index: Target) -> dict[str, dict[str, list[CollaboratorItem]]]:
    """Return the items of each member by organisation and username."""
    members: dict[str, dict[str, list[CollaboratorItem]]] = defaultdict(lambda: defaultdict(list))
    for item in index.stores.tables.collaborators.scan(consistent_read=True):
        kind, _, name = item.of.partition(" ")
        if kind == "organization":
            members[name][item.entry].append(item)
        elif item.entry.endswith(MEMBER_SUFFIX):
            members[item.entry.removesuffix(MEMBER_SUFFIX)][name].append(item)
    return members


def _finish_deletion(index: Target, organization: Organization) -> None:
    """Finish the deletion. The name of a deleted organisation is never used again."""
    current = index.stores.organizations.get(organization.name)
    if current is not None and current.deletion_started:
        while not index.services.organization_deletion.delete(OPERATOR, organization.name):
            pass


DATA_CHECKS = (*CHECKS, check_organizations, check_tags)
