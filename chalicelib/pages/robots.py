"""`/account/robots` and `/organizations/(organization)/robots`: the credentials of machines."""

from markupsafe import Markup
from msgspec import Struct

from chalicelib.accounts.organizations import Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.accounts.sessions import Sessions
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import RepositoryName, is_robot, loggable_name
from chalicelib.domain.models import Organization, RobotRecord, User
from chalicelib.domain.roles import Role
from chalicelib.pages.forms import check_form_error, require_choice
from chalicelib.pages.frame import (
    host_of,
    podman_options,
    render_account_tabs,
    render_notice,
    render_options,
    render_organization_tabs,
)
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import PageRenderer, render, render_each
from chalicelib.pages.texts import pluralize, render_time
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate

MAX_ROBOT_FORM_BYTES = 65_536  # a hundred of the longest names
_ROLES = (("read", "read: pull"), ("write", "write: pull and push"))
_LIFETIMES = (("", "no limit"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "one year"))
_DAY_SECONDS = 86_400


class RobotOwner(Struct, frozen=True):
    """An account or organisation, as the pages of its robots show it.

    Attributes:
        owner: the account or the organisation.
        path: the path of the list.
        title: the title of the list.
        introduction: how a robot of this owner logs in.
        empty: the text of an empty list.
        tabs: the links to the other pages of the owner.
    """

    owner: User | Organization
    path: str
    title: str
    introduction: Markup
    empty: Markup
    tabs: Markup

    @property
    def namespace(self) -> str:
        """The username of the robots."""
        return self.owner.namespace


class RobotPages:
    """Listing, creating and revoking robots of an account or organisation."""

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        sessions: Sessions,
        organizations: Organizations,
        robots: Robots,
        registry: str,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._sessions = sessions
        self._organizations = organizations
        self._robots = robots
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return the pages and the forms."""
        guard = self._guard
        return [
            route
            for path in ("/account/robots", "/organizations/{organization}/robots")
            for route in (
                guard.private(path, self.show),
                guard.form(path, self.create, "robot.created", max_bytes=MAX_ROBOT_FORM_BYTES),
                guard.form(path + "/{robot}/revoke", self.revoke, "robot.revoked"),
            )
        ]

    def show(self, visit: Visit) -> Response:
        """Return the robots."""
        return self._render(visit, self._find_owner(visit))

    def create(self, visit: Visit) -> Response:
        """Create a robot, and show its token once. It needs the password, because the token outlives the session."""
        owner, form = self._find_owner(visit), visit.form
        name = form.get("name", "").strip()
        try:
            access = require_choice(form, "access", _ROLES)
            if (days := form.get("days", "")) not in dict(_LIFETIMES):
                raise InvalidInput("choose for how long the robot is valid")
            annotate(target=f"{owner.namespace}/{loggable_name(name, is_robot)}", access=access)
            self._sessions.require_password(visit.own_session, form.get("password", ""), visit.request.client_ip)
            words = form.get("repositories", "").replace(",", " ").split()
            new = self._robots.create(
                owner.owner,
                name,
                Role.parse(access),
                [RepositoryName.parse(word, owner.namespace) for word in words] or None,
                int(days) * _DAY_SECONDS if days else None,
            )
        except DomainError as error:
            return self._render(visit, owner, check_form_error(error))
        registry = self._registry or host_of(self._renderer.base_url_for(visit.request))
        return self._renderer.render_page(
            visit,
            "robot_created",
            f"The robot {name} is created",
            201,
            name=name,
            token=new.token,
            path=owner.path,
            username=owner.namespace,
            registry=registry,
            podman_options=podman_options(registry),
        )

    def revoke(self, visit: Visit) -> Response:
        """Revoke a robot."""
        owner, name = self._find_owner(visit), visit.request.parameters["robot"]
        annotate(target=f"{owner.namespace}/{loggable_name(name, is_robot)}")
        self._robots.revoke(owner.namespace, name)
        return redirect(f"{owner.path}?done=revoked")

    def _find_owner(self, visit: Visit) -> RobotOwner:
        """Return the account, or the organisation in the path. Raises NotFound and PermissionDenied."""
        name = visit.request.parameters.get("organization")
        if name is None:
            return RobotOwner(
                visit.own_session.user,
                "/account/robots",
                "Robots",
                render("robots_of_account"),
                render("no_robots"),
                render_account_tabs("/account/robots"),
            )
        organization = self._organizations.authorize_administrator(visit.principal, name)
        return RobotOwner(
            organization,
            f"/organizations/{name}/robots",
            f"Robots of {name}",
            render("robots_of_organization", name=name),
            render("no_organization_robots", name=name),
            render_organization_tabs(name, Role.ADMIN, "/robots"),
        )

    def _render(self, visit: Visit, owner: RobotOwner, error: DomainError | None = None) -> Response:
        form, records = visit.form, self._robots.of_account(owner.namespace)
        rows = ({**_describe_robot(record), "path": owner.path, "form_token": visit.form_token} for record in records)
        return self._renderer.render_form(
            visit,
            "robots",
            owner.title,
            error,
            notice=render_notice(visit),
            tabs=owner.tabs,
            introduction=owner.introduction,
            path=owner.path,
            robots=render("robot_table", rows=render_each("robot", rows)) if records else owner.empty,
            form_token=visit.form_token,
            username=owner.namespace,
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
