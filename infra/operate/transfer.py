"""Moving a repository to another name: the new one is whole before the old one goes."""

from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import BadRequest, Conflict, NotFound
from chalicelib.images import RACE_ATTEMPTS
from chalicelib.names import LIBRARY, RepositoryName, is_username
from chalicelib.search import terms_of
from chalicelib.store.repositories import Repository
from chalicelib.store.tables import ConditionFailed
from infra.operate.command import OPERATOR
from infra.operate.target import Target


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be moved, and whether an earlier run has begun to."""

    images: int
    begun: bool


class Transfer:
    """From `source` to `target`. `check` first, then `run`; both raise Refusals.

    In this order, so that breaking it off anywhere loses nothing and it can be taken up again: the new repository with
    the whole list, private if the old one is; description and shares; the end of the old one; and what was pushed to
    it in the last moment, which its ended list still has.
    """

    def __init__(self, index: Target, source: RepositoryName, target: RepositoryName) -> None:
        self.source = source
        self.target = target
        self._parts = index.parts
        self._stores = index.stores

    def check(self) -> Plan:
        """Refuses what cannot be moved."""
        if self.source == self.target:
            raise BadRequest("the old name and the new one are the same")
        known = self._parts.repositories.show(OPERATOR, self.source).repository
        if self.target.namespace == LIBRARY and known.private:
            raise BadRequest(f"{self.source} is private, and the library's repositories are public; publish it first")
        if is_username(self.target.namespace) and self.target.namespace != LIBRARY:
            self._parts.accounts.show(OPERATOR, self.target.namespace)
        old = self._stores.images.read(self.source).merged()
        stored = self._stores.images.read(self.target)
        if stored.living is not None and not self._is_begun(known, stored.merged(), old):
            raise Conflict(f"there is a repository {self.target} already")
        return Plan(len(old), stored.living is not None)

    def run(self) -> None:
        """Moves it. The old one ends only as it was copied: what changes meanwhile is copied again."""
        for _ in range(RACE_ATTEMPTS):
            known = self._parts.repositories.show(OPERATOR, self.source).repository
            self._create(known)
            self._parts.repositories.change(OPERATOR, self.target, description=known.description, private=known.private)
            self._share()
            stored = self._stores.images.read(self.source)
            terms = terms_of(self.source, known.description)
            try:
                self._stores.repositories.delete(known, stored, terms, confirmed=True)
            except ConditionFailed:
                continue
            self._stores.collaborators.forget_repository(self.source, known.generation)
            self._fetch_last(known)
            return
        raise Conflict(f"{self.source} is being changed by others right now; run this again")

    def _fetch_last(self, known: Repository) -> None:
        ended = self._stores.images.read(self.source)
        if ended.head is not None and ended.head.generation == known.generation:
            self._parts.lists.update(OPERATOR, self.target, ended.merged())

    def _create(self, known: Repository) -> None:
        images = self._stores.images.read(self.source).merged()
        before = self._stores.images.read(self.target)
        if before.living is not None:
            self._parts.lists.update(OPERATOR, self.target, images)
            return
        owner = self.target.namespace
        try:
            self._stores.repositories.create(
                self.target,
                before,
                images,
                terms_of(self.target, ""),
                private=known.private,
                created=known.created,
                owner=owner if is_username(owner) and owner != LIBRARY else None,
            )
        except ConditionFailed:
            raise Conflict(
                f"{self.target} was created at this moment, or its owner is leaving; look, and try again"
            ) from None

    def _share(self) -> None:
        """Makes the target's shares what the source's are: who was taken off since an earlier run is out here too."""
        if self.target.namespace == LIBRARY:
            return  # shared with nobody
        wanted = self._parts.sharing.collaborators(OPERATOR, self.source)
        wanted.pop(self.target.namespace, None)  # who owns it now
        for username in self._parts.sharing.collaborators(OPERATOR, self.target):
            if username not in wanted:
                self._parts.sharing.unshare(OPERATOR, self.target, username)
        for username, role in wanted.items():
            with suppress(NotFound):  # an account that has gone meanwhile
                self._parts.sharing.share(OPERATOR, self.target, username, role)

    def _is_begun(self, known: Repository, new: dict[str, str], old: dict[str, str]) -> bool:
        """Whether the target is what an interrupted run leaves: nothing in it but what the source has, and no secret
        that the source would give away.
        """
        there = self._stores.repositories.get(self.target)
        return (
            there is not None
            and there.private <= known.private
            and there.description in ("", known.description)
            and all(image in old and checksum in ("", old[image]) for image, checksum in new.items())
        )
