"""Moving a repository to another name: the new one is whole before the old one goes."""

from contextlib import suppress
from dataclasses import dataclass

from chalicelib.domain.errors import InvalidInput, NotFound, RequestConflict
from chalicelib.domain.identifiers import LIBRARY, RepositoryName, is_username
from chalicelib.domain.models import Repository
from chalicelib.domain.search_terms import terms_of
from chalicelib.repositories.conflicts import MAX_ATTEMPTS
from chalicelib.storage.transactions import Conflict
from infra.admin.command import OPERATOR
from infra.admin.target import Target


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
        self._services = index.services
        self._stores = index.stores

    def check(self) -> Plan:
        """Refuses what cannot be moved."""
        if self.source == self.target:
            raise InvalidInput("the old name and the new one are the same")
        known = self._services.repositories.show(OPERATOR, self.source).repository
        if self.target.namespace == LIBRARY and known.private:
            raise InvalidInput(f"{self.source} is private, and the library's repositories are public; publish it first")
        if is_username(self.target.namespace) and self.target.namespace != LIBRARY:
            self._services.accounts.show(OPERATOR, self.target.namespace)
        old = self._stores.images.read(self.source).merged()
        stored = self._stores.images.read(self.target)
        if stored.active_head is not None and not self._is_begun(known, stored.merged(), old):
            raise RequestConflict(f"there is a repository {self.target} already")
        return Plan(len(old), stored.active_head is not None)

    def run(self) -> None:
        """Moves it. The old one ends only as it was copied: what changes meanwhile is copied again."""
        for _ in range(MAX_ATTEMPTS):
            known = self._services.repositories.show(OPERATOR, self.source).repository
            self._create(known)
            self._services.repositories.change(
                OPERATOR, self.target, description=known.description, private=known.private
            )
            self._share()
            stored = self._stores.images.read(self.source)
            terms = terms_of(self.source, known.description)
            try:
                self._stores.repositories.delete(known, stored, terms, confirmed=True)
            except Conflict:
                continue
            self._stores.collaborators.remove_repository(self.source, known.generation)
            self._fetch_last(known)
            return
        raise RequestConflict(f"{self.source} is being changed by others right now; run this again")

    def _fetch_last(self, known: Repository) -> None:
        ended = self._stores.images.read(self.source)
        if ended.head is not None and ended.head.generation == known.generation:
            self._services.lists.update(OPERATOR, self.target, ended.merged())

    def _create(self, known: Repository) -> None:
        images = self._stores.images.read(self.source).merged()
        before = self._stores.images.read(self.target)
        if before.active_head is not None:
            self._services.lists.update(OPERATOR, self.target, images)
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
        except Conflict:
            raise RequestConflict(
                f"{self.target} was created at this moment, or its owner is leaving; look, and try again"
            ) from None

    def _share(self) -> None:
        """Makes the target's shares what the source's are: who was taken off since an earlier run is out here too."""
        if self.target.namespace == LIBRARY:
            return  # shared with nobody
        wanted = self._services.collaborators.list(OPERATOR, self.source)
        wanted.pop(self.target.namespace, None)  # who owns it now
        for username in self._services.collaborators.list(OPERATOR, self.target):
            if username not in wanted:
                self._services.collaborators.remove(OPERATOR, self.target, username)
        for username, role in wanted.items():
            with suppress(NotFound):  # an account that has gone meanwhile
                self._services.collaborators.add(OPERATOR, self.target, username, role)

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
