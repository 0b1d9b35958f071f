"""Robots on the wire: Waybill's own endpoints below `/v1/users/(username)`."""

from typing import Any, Literal

import msgspec

from chalicelib.access import Role
from chalicelib.accounts import Accounts
from chalicelib.errors import Forbidden
from chalicelib.journal import note
from chalicelib.names import RepositoryName
from chalicelib.robots import Robots
from chalicelib.routes.http import Doorman, Reply, Request, Route, decode_body, json_reply
from chalicelib.store.robots import StoredRobot


class RobotForm(msgspec.Struct, frozen=True):
    """What a robot is asked for. `expires_in` is in seconds."""

    access: Literal["read", "write"]
    repositories: list[str] | None = None
    expires_in: int | None = None


class RobotRoutes:
    """`/v1/users/(username)/robots`: the account's own to make, and for administrators too to see and revoke."""

    def __init__(self, accounts: Accounts, robots: Robots, doorman: Doorman) -> None:
        self._accounts = accounts
        self._robots = robots
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route("GET", "/v1/users/{username}/robots", self.list),
            Route("PUT", "/v1/users/{username}/robots/{robot}", self.create, event="robot.made"),
            Route("DELETE", "/v1/users/{username}/robots/{robot}", self.revoke, event="robot.revoked"),
        ]

    def list(self, request: Request) -> Reply:
        """200 and all of an account's robots, without their tokens."""
        return json_reply(200, [_shown(stored) for stored in self._robots.of_account(self._account(request))])

    def create(self, request: Request) -> Reply:
        """201 and the robot with its token, which is never shown again."""
        caller = self._doorman.account(request)
        user = self._accounts.show(caller, request.parameters["username"])
        if user.username != caller.username:
            raise Forbidden("only the account itself makes robots: they act in its name")
        form = decode_body(request, RobotForm)
        note(access=form.access)
        new = self._robots.create(
            user.username,
            request.parameters["robot"],
            Role.of(form.access),
            None if form.repositories is None else map(RepositoryName.parse, form.repositories),
            form.expires_in,
        )
        return json_reply(201, {**_shown(new.stored), "token": new.token})

    def revoke(self, request: Request) -> Reply:
        """204: the robot's next request is refused."""
        self._robots.revoke(self._account(request), request.parameters["robot"])
        return Reply(204)

    def _account(self, request: Request) -> str:
        return self._accounts.show(self._doorman.account(request), request.parameters["username"]).username


def _shown(stored: StoredRobot) -> dict[str, Any]:
    listed = stored.robot.repositories
    return {
        "name": stored.robot.name,
        "access": stored.robot.role.word,
        "repositories": None if listed is None else sorted(map(str, listed)),
        "created": stored.created,
        "expires": stored.expires_at,
        "last_used": stored.last_used,
    }
