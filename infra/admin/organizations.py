"""`waybill organizations` for operators: in the tables of an index."""

from collections.abc import Iterator
from typing import Any

import click

from chalicelib.domain.models import Organization
from chalicelib.domain.roles import Role
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, confirm
from infra.admin.scans import scan_organizations
from infra.admin.target import Target


def list_organizations(index: Target) -> list[dict[str, Any]]:
    """Return all organisations, by name."""
    organizations = sorted(scan_organizations(index), key=lambda organization: organization.name)
    return [_row(organization) for organization in organizations]


def describe_organization(index: Target, name: str) -> dict[str, Any]:
    """Return an organisation with its members and robots."""
    view = index.services.organizations.show(OPERATOR, name)
    return {
        **_row(view.organization),
        "members": [f"{username} ({role.word})" for username, role in _list_members(index, name)],
        "robots": [robot.robot.name for robot in index.services.robots.of_account(name)],
    }


def create_organization(index: Target, name: str, administrator: str | None) -> None:
    """Create an organisation with this administrator."""
    if administrator is None:
        raise click.UsageError("--administrator is missing: an organisation needs an account that administers it")
    index.services.organizations.create(OPERATOR, name, administrator)
    record(index, "organization.created", name, administrator=administrator)


def add_member(index: Target, name: str, username: str, access: str) -> None:
    """Add a member, or change its role."""
    index.services.organizations.put_member(OPERATOR, name, username, Role.parse(access))
    record(index, "member.changed", f"{name}/{username}", access=access)


def remove_member(index: Target, name: str, username: str) -> None:
    """Remove a member."""
    index.services.organizations.remove_member(OPERATOR, name, username)
    record(index, "member.removed", f"{name}/{username}")


def delete_organization(index: Target, name: str, yes: bool) -> None:
    """Delete an organisation and everything that belongs to it."""
    index.services.organizations.show(OPERATOR, name)
    confirm(f"Delete {name} with its repositories and robots on {index.name}?", yes)
    while not index.services.organization_deletion.delete(OPERATOR, name):
        pass
    record(index, "organization.deleted", name)


def _list_members(index: Target, name: str) -> Iterator[tuple[str, Role]]:
    """Yield all members, from all pages."""
    page = index.services.organizations.list_members(OPERATOR, name)
    yield from page.members
    while page.next_name:
        page = index.services.organizations.list_members(OPERATOR, name, page.next_name)
        yield from page.members


def _row(organization: Organization) -> dict[str, Any]:
    return {"name": organization.name, "members": organization.members, "created": organization.created}
