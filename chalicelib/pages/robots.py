"""`/account/robots`: the credentials of machines."""

from chalicelib.accounts.robots import Robots
from chalicelib.accounts.service import Accounts
from chalicelib.api.errors import status_of
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import RobotRecord
from chalicelib.domain.roles import Role
from chalicelib.pages.frame import host_of, podman_options, render_account_tabs, render_notice, render_options
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_alert, render_each
from chalicelib.pages.texts import pluralize, render_time
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate

MAX_ROBOT_FORM_BYTES = 65_536  # a hundred of the longest names
_ROLES = (("read", "read: pull"), ("write", "write: pull and push"))
_LIFETIMES = (("", "no limit"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "one year"))
_DAY_SECONDS = 86_400


class RobotPages:
    """Listing, creating and revoking robots."""

    def __init__(self, guard: Guard, renderer: PageRenderer, accounts: Accounts, robots: Robots, registry: str) -> None:
        self._guard = guard
        self._renderer = renderer
        self._accounts = accounts
        self._robots = robots
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return the pages and the forms."""
        guard = self._guard
        return [
            guard.private("/account/robots", self.show),
            guard.form("/account/robots", self.create, "robot.created", max_bytes=MAX_ROBOT_FORM_BYTES),
            guard.form("/account/robots/{robot}/revoke", self.revoke, "robot.revoked"),
        ]

    def show(self, visit: Visit) -> Response:
        """Return the robots of the account."""
        return self._render(visit)

    def create(self, visit: Visit) -> Response:
        """Create a robot, and show its token once."""
        form = visit.form
        name, access = form.get("name", "").strip(), form.get("access", "")
        try:
            if access not in dict(_ROLES):
                raise InvalidInput(f"access must be one of {', '.join(dict(_ROLES))}")
            if (days := form.get("days", "")) not in dict(_LIFETIMES):
                raise InvalidInput("choose for how long the robot is valid")
            annotate(target=f"{visit.username}/{name}"[:100], access=access)
            words = form.get("repositories", "").replace(",", " ").split()
            new = self._robots.create(
                self._accounts.show_own(visit.principal, visit.username),
                name,
                Role.parse(access),
                [RepositoryName.parse(word, visit.username) for word in words] or None,
                int(days) * _DAY_SECONDS if days else None,
            )
        except DomainError as error:
            if status_of(error) >= 500:
                raise
            return self._render(visit, error)
        registry = self._registry or host_of(self._renderer.base_url_for(visit.request))
        return self._renderer.render_page(
            visit,
            "robot_created",
            f"The robot {name} is created",
            201,
            name=name,
            token=new.token,
            username=visit.username,
            registry=registry,
            podman_options=podman_options(registry),
        )

    def revoke(self, visit: Visit) -> Response:
        """Revoke a robot."""
        name = visit.request.parameters["robot"]
        annotate(target=f"{visit.username}/{name}"[:100])
        self._robots.revoke(visit.username, name)
        return redirect("/account/robots?done=revoked")

    def _render(self, visit: Visit, error: DomainError | None = None) -> Response:
        form, records = visit.form, self._robots.of_account(visit.username)
        rows = ({**_describe_robot(record), "form_token": visit.form_token} for record in records)
        return self._renderer.render_page(
            visit,
            "robots",
            "Robots",
            200 if error is None else status_of(error),
            notice=render_notice(visit),
            alert=EMPTY if error is None else render_alert(error),
            tabs=render_account_tabs("/account/robots"),
            robots=render("robot_table", rows=render_each("robot", rows)) if records else render("no_robots"),
            form_token=visit.form_token,
            username=visit.username,
            name=form.get("name", ""),
            roles=render_options(_ROLES, form.get("access", "read")),
            repositories=form.get("repositories", ""),
            lifetimes=render_options(_LIFETIMES, form.get("days", "90")),
        )


def _describe_robot(record: RobotRecord) -> dict[str, object]:
    names = record.robot.repositories
    return {
        "name": record.robot.name,
        "access": record.robot.role.word,
        "repositories": "all" if names is None else _describe_names(sorted(map(str, names))),
        "expires": "never" if record.expires_at is None else f"{record.expires_at:%Y-%m-%d}",
        "used": render_time(record.last_used) or "never",
    }


def _describe_names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {pluralize(len(names) - 2, 'other')}"
