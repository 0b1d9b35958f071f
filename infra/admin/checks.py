"""The checks of `waybill doctor` for the data in the tables.

A finding has a fix only if an interruption of the product or a new version of it can cause the problem. A fix does
nothing if the data has changed since it was read.

Each check reads a table that refers to another one first. A referenced item that is missing in the second read was
therefore deleted, and was not created meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import groupby

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, RepositoryState, User
from chalicelib.storage.collaborators import MEMBER_SUFFIX
from chalicelib.storage.image_lists import HEAD, segment_prefix, state_of
from chalicelib.storage.segment_codec import unpack_into
from chalicelib.storage.tables import CollaboratorItem, ImagesItem, RobotItem, TermItem
from infra.admin import search_terms
from infra.admin.command import OPERATOR
from infra.admin.finding import Finding
from infra.admin.scans import scan_organizations, scan_repositories, scan_users
from infra.admin.target import Target

RESTORE = "compare the tables with a backup, and restore the items (docs/guide/backup.md)"


def check_accounts(index: Target) -> Iterator[Finding]:
    """Check the accounts, and that an active administrator exists."""
    has_administrator = False
    for user in scan_users(index):
        subject = f"user {user.username}"
        has_administrator |= user.admin and user.active and not user.deletion_started
        if user.deletion_started:
            fix = partial(_finish_deletion, index, user)
            yield Finding("deletion-interrupted", subject, "the deletion is incomplete", "finish the deletion", fix)
        if user.awaiting_confirmation and not user.unconfirmed:
            remedy = f"run: waybill users activate {user.username}"
            problem = "the account waits for a confirmation, but all its addresses are confirmed"
            yield Finding("confirmation-impossible", subject, problem, remedy)
    if not has_administrator:
        remedy = "run: waybill users promote USERNAME"
        yield Finding("administrator-missing", "the index", "there is no active administrator", remedy)


def check_emails(index: Target) -> Iterator[Finding]:
    """Check that the tables `users` and `emails` agree."""
    owners = {item.address: item.username for item in index.stores.tables.emails.scan(consistent_read=True)}
    unclaimed = dict(owners)
    remedy = f"import --merge can cause this; {RESTORE}"
    for user in scan_users(index):
        for email in sorted(user.emails):
            if owners.get(email) == user.username:
                unclaimed.pop(email, None)
            else:
                problem = f"the table emails assigns {email} to {owners.get(email, 'no account')}"
                yield Finding("email-mismatch", f"user {user.username}", problem, remedy)
        for email in sorted(user.unconfirmed - user.emails):
            problem = f"the unconfirmed address {email} is not an address of the account"
            yield Finding("email-mismatch", f"user {user.username}", problem, remedy)
    for email, owner in unclaimed.items():
        problem = f"it is assigned to {owner}, but the account does not have it"
        yield Finding("email-mismatch", f"email {email}", problem, remedy)


def check_robots(index: Target) -> Iterator[Finding]:
    """Check that each robot belongs to an account or an organisation."""
    robots = list(index.stores.tables.robots.scan(consistent_read=True))
    owners = {user.username for user in scan_users(index)}
    owners |= {organization.name for organization in scan_organizations(index)}
    for robot in robots:
        if robot.username not in owners:
            fix = partial(_revoke_orphan, index, robot)
            subject = f"robot {robot.name} of {robot.username}"
            yield Finding("robot-orphaned", subject, "its owner does not exist", "revoke the robot", fix)


def check_repositories(index: Target) -> Iterator[Finding]:
    """Check that the tables `repositories` and `images` agree, and that each image list can be read."""
    repositories = {str(repository.name): repository for repository in scan_repositories(index)}
    items = index.stores.tables.images.scan(consistent_read=True)
    for key, group in groupby(items, key=lambda item: item.repository):
        yield from _check_list(index, key, repositories.pop(key, None), list(group))
    for key, repository in repositories.items():
        yield from _check_list(index, key, repository, [])


def check_collaborators(index: Target) -> Iterator[Finding]:
    """Check that each share belongs to a repository, and is stored under both keys."""
    shares: dict[tuple[str, str], list[CollaboratorItem]] = defaultdict(list)
    for item in index.stores.tables.collaborators.scan(consistent_read=True):
        kind, _, name = item.of.partition(" ")
        if kind == "organization" or item.entry.endswith(MEMBER_SUFFIX):
            continue  # organization_checks.py
        shares[(name, item.entry) if kind == "repository" else (item.entry, name)].append(item)
    generations = {str(repository.name): repository.generation for repository in scan_repositories(index)}
    usernames = {user.username for user in scan_users(index)}
    for (key, username), share in sorted(shares.items()):
        subject, generation, repository = f"{key} shared with {username}", share[0].generation, _parse_key(key)
        if len(share) != 2 or len({(item.role, item.generation) for item in share}) != 1:
            yield Finding("share-incomplete", subject, "the two items of the share are not equal", RESTORE)
        elif generations.get(key) != generation:
            fix = partial(index.stores.collaborators.remove, repository, generation, username)
            yield Finding("share-orphaned", subject, "the repository was deleted", "delete the share", fix)
        elif username not in usernames:
            yield Finding("share-incomplete", subject, "the account does not exist", RESTORE)
        elif (head := index.stores.images.get_head(repository)) is not None and not head.shared:
            problem = "the head of the image list is not marked as shared, so that a deletion leaves the share"
            yield Finding("share-unmarked", subject, problem, "share the repository again with the same role")


def check_terms(index: Target) -> Iterator[Finding]:
    """Check that a search finds each repository by its words, and nothing else."""
    errors, stores = search_terms.find_term_errors(index), index.stores
    for repository in errors.incomplete:
        fix = partial(search_terms.write_terms, stores, repository)
        problem = "search terms are missing or different"
        yield Finding("terms-missing", str(repository.name), problem, "write the search terms", fix)
    stale: dict[str, list[TermItem]] = defaultdict(list)
    for term in errors.stale:
        stale[str(search_terms.repository_of(term) or term.entry)].append(term)
    for subject, terms in stale.items():
        fix = partial(_delete_stale_terms, index, terms)
        yield Finding("terms-stale", subject, f"{len(terms)} search terms are stale", "delete them", fix)


CHECKS = (check_accounts, check_emails, check_robots, check_repositories, check_collaborators, check_terms)


def _check_list(index: Target, key: str, repository: Repository | None, items: list[ImagesItem]) -> Iterator[Finding]:
    """Check the items of one repository: the item in `repositories`, and the head and the segments in `images`."""
    head = next((state_of(item) for item in items if item.segment == HEAD), None)
    problem = _compare(repository, head)
    if problem is not None:
        yield Finding("repository-mismatch", key, problem, RESTORE)
    generation = head.generation if head is not None else repository.generation if repository is not None else ""
    prefix = segment_prefix(generation)
    orphans: list[str] = []
    for item in items:
        if item.segment.startswith(prefix):
            if not _is_readable(item.packed):
                remedy = "restore the item from a backup, or delete the repository and push it again"
                yield Finding("segment-corrupt", key, f"the segment {item.segment} cannot be read", remedy)
        elif item.segment != HEAD and item.expires is None:
            orphans.append(item.segment)
    if orphans:
        fix = partial(_delete_orphans, index, _parse_key(key), orphans)
        problem = f"{len(orphans)} segments belong to a deleted repository with this name"
        yield Finding("segments-orphaned", key, problem, "delete them", fix)


def _compare(repository: Repository | None, head: RepositoryState | None) -> str | None:
    """Return the difference between an item in `repositories` and the head, or None."""
    active = None if head is None or head.deleted else head
    if repository is None:
        return None if active is None else "the item in repositories is missing, so that no listing contains it"
    if active is None:
        state = "is missing" if head is None else "is marked as deleted"
        return f"the head of the image list {state}, so that nobody can read it"
    if repository.generation != active.generation:
        return "the item in repositories and the head of the image list have different generations"
    if repository.private != active.private:
        return "the item in repositories and the head of the image list have different visibilities"
    return None


def _parse_key(key: str) -> RepositoryName:
    namespace, _, name = key.partition("/")
    return RepositoryName(namespace, name)


def _is_readable(packed: bytes | None) -> bool:
    try:
        unpack_into({}, packed or b"")
    except ValueError:  # CorruptSegmentError, or invalid UTF-8
        return False
    return True


def _finish_deletion(index: Target, user: User) -> None:
    """Finish the deletion, unless the name belongs to a later account."""
    current = index.stores.users.get(user.username)
    if current is not None and current.deletion_started and current.created == user.created:
        while not index.services.deletion.delete(OPERATOR, user.username):
            pass


def _revoke_orphan(index: Target, robot: RobotItem) -> None:
    if index.stores.organizations.get_owner(robot.username) is None:
        index.stores.robots.delete(robot.username, robot.name)


def _delete_orphans(index: Target, repository: RepositoryName, keys: list[str]) -> None:
    current = index.stores.images.read(repository)
    index.stores.images.delete_segments(repository, set(keys) & set(current.orphans))


def _delete_stale_terms(index: Target, terms: list[TermItem]) -> None:
    for term in terms:
        search_terms.delete_stale_term(index.stores, term)
