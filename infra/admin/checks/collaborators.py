"""Shares: both sides of each, of living repositories and accounts only."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from chalicelib.bootstrap import Stores
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.tables import CollaboratorItem
from chalicelib.storage.transactions import Conflict
from infra.admin import scans
from infra.admin.checks.finding import Finding
from infra.admin.target import Target

Share = tuple[str, str]  # the repository and the account


def check_shares(index: Target) -> Iterator[Finding]:
    """A share that has one side only, or none that lives, grants what nobody sees, or shows what nobody has."""
    stores = index.stores
    shares: dict[Share, list[CollaboratorItem]] = defaultdict(list)
    for item in stores.tables.collaborators.scan(consistent_read=True):
        shares[_share(item)].append(item)
    usernames = {user.username for user in scans.users(index)}
    generations = {str(repository.name): repository.generation for repository in scans.repositories(index)}
    sound = set()
    for share, sides in sorted(shares.items()):
        repository, username = share
        problem = _problem(sides, username in usernames, generations.get(repository))
        if problem is None:
            sound.add(repository)
        else:
            yield Finding(
                f"{repository} shared with {username}",
                problem,
                "take the share away; whoever administers the repository can share it again",
                partial(_take_away, stores, share),
            )
    for repository in sorted(sound):
        head = stores.images.get_head(RepositoryName(*repository.split("/")))
        if head is not None and not head.deleted and not head.shared:
            yield Finding(
                repository,
                "it is shared, and its head does not say so, so that the shares have no effect",
                "say so",
                partial(_say_so, stores, repository, head.generation),
            )


def _problem(sides: list[CollaboratorItem], account: bool, generation: str | None) -> str | None:
    """What is wrong with a share; None where nothing is."""
    if not account:
        return "there is no such account"
    if generation is None:
        return "there is no such repository"
    if any(side.generation != generation for side in sides):
        return "it is of an earlier repository of this name"
    if len(sides) != 2:
        return "one side of it is missing"
    if len({side.role for side in sides}) != 1 or sides[0].role not in {role.word for role in Role}:
        return "its two sides say different roles"
    return None


def _take_away(stores: Stores, share: Share) -> None:
    """Removes both sides, unless they are in order by now."""
    repository, username = share
    sides = _sides(stores, share)
    known = stores.repositories.get(RepositoryName(*repository.split("/")))
    users = stores.tables.users
    account = next(iter(users.batch_get([username], consistent_read=True)), None)
    if _problem(sides, account is not None and not account.tombstone, known.generation if known else None) is None:
        return
    model = stores.tables.collaborators
    with suppress(Conflict), stores.tables.transaction() as write:
        for side in sides:
            write.delete(side, condition=(model.generation == side.generation) & (model.role == side.role))


def _say_so(stores: Stores, repository: str, generation: str) -> None:
    images = stores.tables.images
    with suppress(Conflict), stores.tables.transaction() as write:
        write.update(
            images(repository, HEAD),
            [images.shared.set(True)],
            condition=stores.images.is_generation(generation, deleted=False),
        )


def _sides(stores: Stores, share: Share) -> list[CollaboratorItem]:
    repository, username = share
    keys = [(f"repository {repository}", username), (f"account {username}", repository)]
    return list(stores.tables.collaborators.batch_get(keys, consistent_read=True))


def _share(item: CollaboratorItem) -> Share:
    kind, _, name = item.of.partition(" ")
    return (name, item.entry) if kind == "repository" else (item.entry, name)
