"""The catalogue: the names of all repositories that a principal can read."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, islice

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import GivenRoles, Principal
from chalicelib.repositories.authorization import Authorization
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.search_terms import ALL_PRIVATE, PUBLIC, SearchHit, SearchTermStore, private_space


class Catalog:
    """Lists names. Raises Unavailable if the storage does not answer."""

    def __init__(self, terms: SearchTermStore, repositories: RepositoryStore, authorization: Authorization) -> None:
        self._terms = terms
        self._repositories = repositories
        self._authorization = authorization

    def list_names(self, principal: Principal, after: str, limit: int) -> list[str]:
        """Return up to `limit` names after the name `after`, sorted.

        The cost grows with `limit`, not with the number of repositories: up to two Queries, and one for each namespace
        of the account that is part of the page. An account also costs one Query, and a BatchGetItem for each hundred
        repositories that are shared with it.
        """
        given = self._authorization.load_roles(principal)
        sources: list[Iterator[str]] = [
            self._names(self._terms.find_all(PUBLIC, after, limit, is_official=is_official), principal, given)
            for is_official in (True, False)
        ]
        if principal.admin and principal.robot is None:
            private = self._terms.find_all(ALL_PRIVATE, after, limit, is_official=False)
            sources.append(self._names(private, principal, given))
        elif principal.username is not None:
            sources.append(self._chosen(principal, given, after))
            if principal.robot is None or principal.robot.repositories is None:
                sources.append(self._private(principal, given, after, limit))
        return list(islice((name for name, _ in groupby(merge(*sources))), limit))

    def _names(self, hits: Iterable[SearchHit], principal: Principal, given: GivenRoles) -> Iterator[str]:
        return (str(hit.name) for hit, _ in self._authorization.filter_readable(principal, hits, given))

    def _private(self, principal: Principal, given: GivenRoles, after: str, limit: int) -> Iterator[str]:
        """Yield the names of the private repositories in the namespaces of an account, sorted.

        A namespace is read when the names before it are not enough for the page.
        """
        namespaces = {principal.username or "", *given.organizations}
        for start in sorted(f"{namespace}/" for namespace in namespaces):
            if f"{start}~" > after:  # no name contains a tilde
                hits = self._terms.find_all(private_space(start[:-1]), after, limit, is_official=False)
                yield from self._names(hits, principal, given)

    def _chosen(self, principal: Principal, given: GivenRoles, after: str) -> Iterator[str]:
        """Return the names of the private repositories that are shared with an account, or that its robot is for."""
        chosen = {name for name, _ in given.repositories}
        if principal.robot is not None and principal.robot.repositories is not None:
            chosen |= principal.robot.repositories
        repositories = self._repositories.get_all(chosen).values() if chosen else ()
        readable = self._authorization.filter_readable(principal, repositories, given)
        names: list[RepositoryName] = [repository.name for repository, _ in readable if repository.private]
        return iter(sorted(name for name in map(str, names) if name > after))
