"""The catalogue: the names of all repositories that a principal can read."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal
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

        The cost grows with `limit`, not with the number of repositories: up to three Queries, and for an account one
        Query and a BatchGetItem for each hundred repositories that are shared with it.
        """
        sources: list[Iterator[str]] = [
            self._names(self._terms.find_all(PUBLIC, after, limit, is_official=True), principal),
            self._names(self._terms.find_all(PUBLIC, after, limit, is_official=False), principal),
        ]
        if principal.admin and principal.robot is None:
            sources.append(self._names(self._terms.find_all(ALL_PRIVATE, after, limit, is_official=False), principal))
        elif principal.username is not None:
            sources.append(self._chosen(principal, after))
            if principal.robot is None or principal.robot.repositories is None:
                own = self._terms.find_all(private_space(principal.username), after, limit, is_official=False)
                sources.append(self._names(own, principal))
        names = dict.fromkeys(merge(*sources))
        return list(islice(names, limit))

    def _names(self, hits: list[SearchHit], principal: Principal) -> Iterator[str]:
        return (str(hit.name) for hit, _ in self._authorization.filter_readable(principal, hits, {}))

    def _chosen(self, principal: Principal, after: str) -> Iterator[str]:
        """Return the names of the private repositories that are shared with an account, or that its robot is for."""
        shares = self._authorization.load_shares(principal)
        chosen = {name for name, _ in shares}
        if principal.robot is not None and principal.robot.repositories is not None:
            chosen |= principal.robot.repositories
        repositories = self._repositories.get_all(chosen).values() if chosen else ()
        readable = self._authorization.filter_readable(principal, repositories, shares)
        names: list[RepositoryName] = [repository.name for repository, _ in readable if repository.private]
        return iter(sorted(name for name in map(str, names) if name > after))
