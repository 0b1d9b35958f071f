"""`/v1/users/(username)/robots`: robots of an account. An extension of Waybill."""

from typing import Any, Literal

from msgspec import Struct

from chalicelib.accounts.robots import Robots
from chalicelib.accounts.service import Accounts
from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Role
from chalicelib.request_log import annotate


class RobotForm(Struct, frozen=True):
    """The body that creates a robot. `expires_in` is in seconds.

    A name in `repositories` without a namespace is a repository of the account.
    """

    access: Literal["read", "write"]
    repositories: list[str] | None = None
    expires_in: int | None = None


class RobotRoutes:
    """Endpoints for robots. An account creates its own; administrators can list and revoke those of all accounts."""

    def __init__(self, accounts: Accounts, robots: Robots, authenticator: Authenticator) -> None:
        self._accounts = accounts
        self._robots = robots
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("GET", "/v1/users/{username}/robots", self.list),
            Route("PUT", "/v1/users/{username}/robots/{robot}", self.create, event="robot.created"),
            Route("DELETE", "/v1/users/{username}/robots/{robot}", self.revoke, event="robot.revoked"),
        ]

    def list(self, request: Request) -> Response:
        """Return 200 and the robots of an account, without their tokens."""
        return json_response(200, [_robot_to_json(record) for record in self._robots.of_account(self._user(request))])

    def create(self, request: Request) -> Response:
        """Return 201 and the robot with its token. The token is not shown again."""
        principal = self._authenticator.require_user(request)
        user = self._accounts.show_own(principal, request.parameters["username"])
        form = decode_body(request, RobotForm)
        annotate(access=form.access)
        names = form.repositories
        new = self._robots.create(
            user,
            request.parameters["robot"],
            Role.parse(form.access),
            None if names is None else [RepositoryName.parse(name, user.username) for name in names],
            form.expires_in,
        )
        return json_response(201, {**_robot_to_json(new.record), "token": new.token})

    def revoke(self, request: Request) -> Response:
        """Return 204. The next request of the robot is rejected."""
        self._robots.revoke(self._user(request), request.parameters["robot"])
        return Response(204)

    def _user(self, request: Request) -> str:
        principal = self._authenticator.require_user(request)
        return self._accounts.show(principal, request.parameters["username"]).username


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
