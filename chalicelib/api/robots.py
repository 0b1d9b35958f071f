"""`/v1/users/(username)/robots` and `/v1/organizations/(organization)/robots`. An extension of Waybill."""

from typing import Any, Literal

from msgspec import Struct

from chalicelib.accounts.organizations import Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.accounts.service import Accounts
from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Organization, RobotRecord, User
from chalicelib.domain.roles import Role
from chalicelib.request_log import annotate


class RobotForm(Struct, frozen=True):
    """The body that creates a robot. `expires_in` is in seconds.

    A name in `repositories` without a namespace is a repository of the account or organisation.
    """

    access: Literal["read", "write"]
    repositories: list[str] | None = None
    expires_in: int | None = None


class RobotRoutes:
    """Endpoints for robots.

    An account creates its own, and administrators of an organisation create those of the organisation. Administrators
    of the index can list and revoke all.
    """

    def __init__(
        self,
        accounts: Accounts,
        organizations: Organizations,
        robots: Robots,
        authenticator: Authenticator,
        registry_address: str = "",
    ) -> None:
        self._registry_address = registry_address
        self._accounts = accounts
        self._organizations = organizations
        self._robots = robots
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            route
            for robots in ("/v1/users/{username}/robots", "/v1/organizations/{organization}/robots")
            for route in (
                Route("GET", robots, self.list),
                Route("PUT", robots + "/{robot}", self.create, event="robot.created"),
                Route("DELETE", robots + "/{robot}", self.revoke, event="robot.revoked"),
            )
        ]

    def list(self, request: Request) -> Response:
        """Return 200 and the robots of an account or organisation, without their tokens."""
        records = self._robots.of_account(self._owner(request).namespace)
        return json_response(200, [_robot_to_json(record) for record in records])

    def create(self, request: Request) -> Response:
        """Return 201 and the robot with its token. The token is not shown again.

        The header `X-Waybill-Registry` is the address for `docker login`. It is absent without a current registry.
        """
        owner = self._owner(request, is_creation=True)
        form = decode_body(request, RobotForm)
        annotate(access=form.access)
        names = form.repositories
        new = self._robots.create(
            owner,
            request.parameters["robot"],
            Role.parse(form.access),
            None if names is None else [RepositoryName.parse(name, owner.namespace) for name in names],
            form.expires_in,
        )
        headers = {"X-Waybill-Registry": self._registry_address} if self._registry_address else {}
        return json_response(201, {**_robot_to_json(new.record), "token": new.token}, headers)

    def revoke(self, request: Request) -> Response:
        """Return 204. The next request of the robot is rejected."""
        self._robots.revoke(self._owner(request).namespace, request.parameters["robot"])
        return Response(204)

    def _owner(self, request: Request, *, is_creation: bool = False) -> User | Organization:
        """Return the owner of the robots in the path, if the principal may manage them."""
        principal = self._authenticator.require_user(request)
        if "organization" in request.parameters:
            return self._organizations.authorize_administrator(principal, request.parameters["organization"])
        show = self._accounts.show_own if is_creation else self._accounts.show
        return show(principal, request.parameters["username"])


def _robot_to_json(record: RobotRecord) -> dict[str, Any]:
    names = record.robot.repositories
    return {
        "name": record.robot.name,
        "access": record.robot.role.word,
        "repositories": None if names is None else sorted(map(str, names)),
        "created": record.created,
        "expires": record.expires_at,
        "last_used": record.last_used,
    }
