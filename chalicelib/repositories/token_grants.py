"""What a bearer token for a registry grants."""

from collections.abc import Iterable

from chalicelib.domain.roles import Principal
from chalicelib.domain.scopes import EVERYTHING, Scope, allowed_actions, required_role
from chalicelib.repositories.authorization import Authorization

_CATALOG = ("registry", "catalog")


class TokenGrants:
    """Reduces requested scopes to those that a principal may use. Raises Unavailable if the storage does not answer."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    def grant(self, principal: Principal, requested: Iterable[Scope]) -> list[Scope]:
        """Return the granted scopes, sorted. A scope without a granted action is omitted.

        A missing and a private repository therefore give the same result. All requests that are not allowed anything
        give the same empty result, so that they share one cached token.
        """
        granted = [Scope(scope.type, scope.name, self._actions(principal, scope)) for scope in requested]
        return sorted(scope for scope in granted if scope.actions)

    def _actions(self, principal: Principal, scope: Scope) -> tuple[str, ...]:
        if (scope.type, scope.name) == _CATALOG:
            # distribution lists all repositories for this scope, also those that the principal cannot read.
            is_allowed = principal.admin and principal.robot is None and EVERYTHING in scope.actions
            return (EVERYTHING,) if is_allowed else ()
        repository = scope.repository
        if repository is None:
            return ()
        role = self._authorization.find_token_role(principal, repository, required_role(scope.actions))
        return allowed_actions(scope.actions, role)
