"""The steps that deletions of accounts and organisations share."""

from collections.abc import Callable

from chalicelib.domain.roles import Principal
from chalicelib.repositories.service import Repositories
from chalicelib.request_log import annotate

MAX_SECONDS = 10  # API Gateway waits for 29 seconds, and one repository with many collaborators takes a few


def start_deadline(clock: Callable[[], float]) -> Callable[[], bool]:
    """Return a function that returns whether the request must end. `clock` returns seconds."""
    end = clock() + MAX_SECONDS
    return lambda: clock() > end


def delete_repositories(repositories: Repositories, namespace: str, is_time_over: Callable[[], bool]) -> bool:
    """Delete the repositories of a namespace until the time is over. Return whether none is left.

    Raises the errors of `Repositories.delete`.
    """
    owner = Principal(namespace)
    annotate(deleted_repositories=0)
    page = repositories.list(owner, namespace)
    for count, view in enumerate(page.views, start=1):
        repositories.delete(owner, view.repository.name, confirmed=True)
        annotate(deleted_repositories=count)
        if is_time_over():
            return False
    return not page.next_name
