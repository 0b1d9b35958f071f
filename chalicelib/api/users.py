"""`/v1/users`: registration, login and accounts. GET and DELETE of one account are extensions of Waybill."""

from typing import Any

from chalicelib.accounts.deletion import AccountDeletion
from chalicelib.accounts.service import Accounts
from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.request_log import annotate


class UserRoutes:
    """Endpoints for accounts."""

    def __init__(self, accounts: Accounts, deletion: AccountDeletion, authenticator: Authenticator) -> None:
        self._accounts = accounts
        self._deletion = deletion
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("POST", "/v1/users", self.register, event="account.registered"),
            Route("GET", "/v1/users", self.log_in),
            Route("PUT", "/v1/users/{username}", self.change, event="account.changed"),
            Route("GET", "/v1/users/{username}", self.show),
            Route("DELETE", "/v1/users/{username}", self.delete, event="account.deleted"),
            Route("GET", "/v1/users/{username}/blocked", self.list_blocked),
            Route("PUT", "/v1/users/{username}/blocked/{blocked}", self.block, event="account.blocked"),
            Route("DELETE", "/v1/users/{username}/blocked/{blocked}", self.unblock, event="account.unblocked"),
        ]

    def register(self, request: Request) -> Response:
        """Return 201 and `"User Created"`, or 400 with the text that `docker login` up to 1.10 compares."""
        self._accounts.register(decode_body(request, dict[str, Any]), request.client_ip)
        return json_response(201, "User Created")

    def log_in(self, request: Request) -> Response:
        """Return 200 and `"OK"` for the credentials of an account or a robot."""
        self._authenticator.require_user(request)
        return json_response(200, "OK")

    def change(self, request: Request) -> Response:
        """Return 204 without a body."""
        principal = self._authenticator.require_user(request)
        form = decode_body(request, dict[str, Any])
        annotate(changed=[field for field in ("password", "email", "active") if form.get(field) is not None])
        self._accounts.change(principal, request.parameters["username"], form)
        return Response(204)

    def show(self, request: Request) -> Response:
        """Return 200 and the account, for the account itself and for administrators."""
        user = self._accounts.show(self._authenticator.require_user(request), request.parameters["username"])
        return json_response(
            200,
            {
                "username": user.username,
                "emails": [
                    {"address": email, "confirmed": email not in user.unconfirmed} for email in sorted(user.emails)
                ],
                "active": user.active,
                "admin": user.admin,
                "created": user.created,
            },
        )

    def delete(self, request: Request) -> Response:
        """Return 204, or 202 and `""` if the client must repeat the request to delete the rest."""
        principal = self._authenticator.require_user(request, allow_deletion_started=True)
        is_complete = self._deletion.delete(principal, request.parameters["username"])
        return Response(204) if is_complete else json_response(202, "")

    def list_blocked(self, request: Request) -> Response:
        """Return 200 and the accounts that cannot share repositories with this one."""
        principal = self._authenticator.require_user(request)
        return json_response(200, self._accounts.list_blocked(principal, request.parameters["username"]))

    def block(self, request: Request) -> Response:
        """Return 204. The blocked account can no longer share repositories with this one."""
        principal = self._authenticator.require_user(request)
        self._accounts.block(principal, request.parameters["username"], request.parameters["blocked"])
        return Response(204)

    def unblock(self, request: Request) -> Response:
        """Return 204."""
        principal = self._authenticator.require_user(request)
        self._accounts.unblock(principal, request.parameters["username"], request.parameters["blocked"])
        return Response(204)
