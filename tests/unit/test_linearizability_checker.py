"""The checker of histories accepts what the index may do, and rejects what it may not do."""

import pytest

from chalicelib.domain.roles import TokenScope
from tests.linearizability.checker import NotLinearizable, check
from tests.linearizability.model import Images, State
from tests.linearizability.operations import Account, History, Kind, Operation, Token

ALICE = Account("alice", "a secret")
REPOSITORY = "alice/web"
FIRST, SECOND = ("a", ""), ("b", "")


def operation(
    kind: Kind,
    invoked: int,
    returned: int,
    generation: str,
    *,
    credential: Account | Token = ALICE,
    images: Images = frozenset(),
    listed: Images | None = None,
) -> Operation:
    """Return a successful operation."""
    return Operation(
        invoked,
        kind,
        credential,
        REPOSITORY,
        images,
        invoked=invoked,
        started=invoked,
        returned=returned,
        ended=returned,
        status=202 if kind is Kind.DELETE else 200,
        generation=generation,
        listed=listed,
    )


def deletion_during_a_push(*, read: tuple[int, int], listed: Images) -> History:
    """A push creates the repository again after a deletion. A reader has a token of the deleted generation."""
    token = Token("", REPOSITORY, TokenScope.WRITE, "first", 1_000)
    history = History(lambda: 0.0)
    history.operations = [
        operation(Kind.PUSH, 0, 1, "first", images=frozenset({FIRST})),
        operation(Kind.PUSH, 2, 9, "second", images=frozenset({SECOND})),
        operation(Kind.DELETE, 3, 6, "first"),
        operation(Kind.PULL, *read, "first", credential=token, listed=listed),
        operation(Kind.PULL, 12, 13, "second", listed=frozenset({SECOND})),
    ]
    return history


def check_history(history: History) -> None:
    check(history, State(passwords=frozenset({("alice", "a secret")})))


@pytest.mark.parametrize("listed", [frozenset({FIRST}), frozenset({FIRST, SECOND})])
def test_push_is_visible_before_a_deletion_that_it_survives(listed: Images) -> None:
    check_history(deletion_during_a_push(read=(4, 5), listed=listed))


@pytest.mark.parametrize(
    ("read", "listed"),
    [
        ((7, 8), frozenset({FIRST, SECOND})),  # after the deletion
        ((4, 5), frozenset({SECOND})),  # the earlier push is lost
    ],
)
def test_deleted_generation_is_not_read_and_loses_nothing(read: tuple[int, int], listed: Images) -> None:
    with pytest.raises(NotLinearizable):
        check_history(deletion_during_a_push(read=read, listed=listed))
