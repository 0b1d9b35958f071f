"""Accounts on the wire."""

from typing import Any

from chalicelib.accounts import Accounts
from chalicelib.routes.http import Doorman, Reply, Request, Route, decode_body, json_reply


class UserRoutes:
    """`/v1/users`."""

    def __init__(self, accounts: Accounts, doorman: Doorman) -> None:
        self._accounts = accounts
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route("POST", "/v1/users", self.register),
            Route("GET", "/v1/users", self.sign_in),
            Route("PUT", "/v1/users/{username}", self.change),
        ]

    def register(self, request: Request) -> Reply:
        """201 `"User Created"`, or 400 with the bare text that legacy `docker login` compares."""
        self._accounts.register(decode_body(request, dict[str, Any]))
        return json_reply(201, "User Created")

    def sign_in(self, request: Request) -> Reply:
        """200 `"OK"` for the right credentials."""
        self._doorman.account(request)
        return json_reply(200, "OK")

    def change(self, request: Request) -> Reply:
        """204 and no body."""
        caller = self._doorman.account(request)
        self._accounts.change(caller, request.parameters["username"], decode_body(request, dict[str, Any]))
        return Reply(204)
