"""Accounts on the wire."""

from typing import Any

from chalicelib.accounts import Accounts
from chalicelib.journal import note
from chalicelib.removal import Removal
from chalicelib.routes.http import Doorman, Reply, Request, Route, decode_body, json_reply


class UserRoutes:
    """`/v1/users`. GET and DELETE of `/v1/users/(username)` are Waybill's own."""

    def __init__(self, accounts: Accounts, removal: Removal, doorman: Doorman) -> None:
        self._accounts = accounts
        self._removal = removal
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route("POST", "/v1/users", self.register, event="account.registered"),
            Route("GET", "/v1/users", self.sign_in),
            Route("PUT", "/v1/users/{username}", self.change, event="account.changed"),
            Route("GET", "/v1/users/{username}", self.show),
            Route("DELETE", "/v1/users/{username}", self.remove, event="account.removed"),
        ]

    def register(self, request: Request) -> Reply:
        """201 `"User Created"`, or 400 with the bare text that legacy `docker login` compares."""
        form = decode_body(request, dict[str, Any])
        self._accounts.register(form, request.address)
        note(on=form["username"])
        return json_reply(201, "User Created")

    def sign_in(self, request: Request) -> Reply:
        """200 `"OK"` for the right credentials, a robot's too."""
        self._doorman.account(request)
        return json_reply(200, "OK")

    def change(self, request: Request) -> Reply:
        """204 and no body."""
        caller = self._doorman.account(request)
        form = decode_body(request, dict[str, Any])
        note(changed=[field for field in ("password", "email", "active") if form.get(field) is not None])
        self._accounts.change(caller, request.parameters["username"], form)
        return Reply(204)

    def show(self, request: Request) -> Reply:
        """200 and what is known of an account, for itself and for administrators."""
        user = self._accounts.show(self._doorman.account(request), request.parameters["username"])
        return json_reply(
            200,
            {
                "username": user.username,
                "emails": [
                    {"address": address, "confirmed": address not in user.unconfirmed}
                    for address in sorted(user.emails)
                ],
                "active": user.active,
                "admin": user.admin,
                "created": user.created,
            },
        )

    def remove(self, request: Request) -> Reply:
        """204 when all of it is gone; 202 `""` when there is more to do, and the request is to be sent again."""
        caller = self._doorman.account(request, leaving=True)
        complete = self._removal.remove(caller, request.parameters["username"])
        return Reply(204) if complete else json_reply(202, "")
