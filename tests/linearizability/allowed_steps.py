"""In which small steps the model could have answered a request as it was answered.

A request is no single moment: it signs in, looks at the repository, then at a share, and writes. Each is a moment of
its own, in this order, between the request and its answer. A *look* is something that has to be true then; an *act*
makes another world, or None where it cannot happen. A way is a sequence of them, and a request may have several.

Of refusals, a look says as much as a wrong refusal would need: one who may read, write or delete all the while is never
refused, and a private repository is a missing one to whoever may not read it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from chalicelib.domain.roles import Role, TokenScope
from tests.linearizability.model import Life, Request, World, get, put
from tests.linearizability.requests import Account, Kind, Token


@dataclass(frozen=True, slots=True)
class Look:
    """Something that has to be true."""

    holds: Callable[[World], bool]


@dataclass(frozen=True, slots=True)
class Act:
    """What makes another world, at a time."""

    makes: Callable[[World, float], World | None]


Way = tuple[Look | Act, ...]
NEEDED = {
    Kind.PUSH: Role.WRITE,
    Kind.UPDATE: Role.WRITE,
    Kind.PULL: Role.READ,
    Kind.DELETE: Role.ADMIN,
    Kind.HIDE: Role.ADMIN,
    Kind.SHARE: Role.ADMIN,
    Kind.UNSHARE: Role.ADMIN,
}
SUCCESS = {
    Kind.PUSH: (200,),
    Kind.UPDATE: (204,),
    Kind.PULL: (200,),
    Kind.VOUCH: (200,),
    Kind.DELETE: (202, 200),
    Kind.HIDE: (204,),
    Kind.SHARE: (204,),
    Kind.UNSHARE: (204,),
    Kind.SIGN_IN: (200,),
    Kind.PASSWORD: (204,),
    Kind.ROBOT: (201,),
    Kind.REVOKE: (204,),
}


@dataclass(frozen=True)
class Ways:
    """The ways of one request. `generations` are all lives that its repository has had in the history, with the place
    at which each was first heard of; `answered` says when each request to the same container was.
    """

    request: Request
    generations: dict[str, int]
    answered: dict[int, int]

    def all(self) -> tuple[Way, ...]:
        """Every way; of a request whose answer got lost, those in which it did something."""
        request, by = self.request, self.request.by
        if isinstance(by, Token):
            return tuple(self._with_token(by)) if request.is_known else (self._shown(by),)
        if not request.is_known or request.status in SUCCESS[request.kind]:
            return tuple((*self._signed_in(), *way) for way in self._succeeded())
        if request.status == 401:
            return () if by is None else (self._signed_in(right=False),)
        return tuple((*self._signed_in(), *way) for way in self._refused())

    # Who is asking.

    def _signed_in(self, right: bool = True) -> Way:
        by = self.request.by
        if by is None:
            return ()
        assert isinstance(by, Account)
        return (Look(lambda world: _is_right(world, by) is right),)

    def _role(self, life: Life) -> Role:
        """What the asking account may do with a life of the repository."""
        by = self.request.by
        public = Role.NONE if life.private else Role.READ
        if by is None:
            return public
        assert isinstance(by, Account)
        shared = get(life.shares, by.name) or Role.NONE
        return max(public, min(by.limit, Role.ADMIN if self._rules else shared))

    @property
    def _rules(self) -> bool:
        """Whether the asker owns the repository, or is an administrator."""
        by = self.request.by
        return isinstance(by, Account) and (by.admin or self.request.repository.startswith(f"{by.name}/"))

    @property
    def _may_begin(self) -> bool:
        by = self.request.by
        return self._rules and isinstance(by, Account) and by.limit >= Role.WRITE

    @property
    def _needed(self) -> Role:
        """The role that this takes. Who reads may take themselves off."""
        request, by = self.request, self.request.by
        leaves = request.kind is Kind.UNSHARE and isinstance(by, Account) and (by.name, by.robot) == (request.of, "")
        return Role.READ if leaves else NEEDED[request.kind]

    # What an account is answered.

    def _succeeded(self) -> Iterator[Way]:
        request = self.request
        match request.kind:
            case Kind.SIGN_IN:
                yield ()
            case Kind.PASSWORD:
                yield (Act(self._password_replaced),)
            case Kind.ROBOT:
                yield (Act(self._robot_made),)
            case Kind.REVOKE:
                yield Look(lambda world: get(world.robots, request.of) is not None), Act(self._robot_revoked)
            case Kind.DELETE if request.status == 200:
                yield (Look(lambda world: self._is_over(world, confirmed=True)),)
            case _:
                for generation in self.generations if request.generation is None else (request.generation,):
                    yield from self._succeeded_with(generation)

    def _succeeded_with(self, generation: str) -> Iterator[Way]:
        """What was asked of a repository and done to this life of it, or began it."""
        kind = self.request.kind
        for authorized in self._admitted(generation):
            yield *authorized, *self._done(generation)
        if kind is Kind.PUSH and self._may_begin:
            yield (Act(partial(self._begun, generation=generation)),)
        if kind is Kind.DELETE and self._rules:
            yield (Look(lambda world: self._is_over(world, generation, confirmed=False)),)

    def _admitted(self, generation: str) -> Iterator[Way]:
        """How the asker was let to this life: by what its head says, or by a share that is looked up behind it."""
        request, required = self.request, self._needed

        def is_seen(world: World) -> bool:
            life = self._life(world, generation)
            return life is not None and not life.deleted and request.found in (None, life.images)

        def may(world: World) -> bool:
            life = self._life(world, generation)
            return life is not None and self._role(life) >= required

        yield (Look(lambda world: is_seen(world) and may(world)),)
        if not self._rules:
            yield Look(is_seen), Look(may)

    def _done(self, generation: str) -> Way:
        """What it does there."""
        request = self.request
        change = partial(self._changed, generation=generation)
        match request.kind:
            case Kind.PUSH | Kind.UPDATE:
                return (Act(partial(self._added, generation=generation)),)
            case Kind.DELETE:
                return (Act(partial(change, change=lambda life: replace(life, deleted=True, confirmed=False))),)
            case Kind.HIDE:
                return (Act(partial(change, change=lambda life: replace(life, private=request.private))),)
            case Kind.SHARE:
                shared = partial(put, key=request.of, value=request.role)
                return (Act(partial(change, change=lambda life: replace(life, shares=shared(life.shares)))),)
            case Kind.UNSHARE:
                there = Look(lambda world: self._share(world, generation) is not None)
                return there, Act(partial(self._unshared, generation=generation))
        return ()

    def _refused(self) -> Iterator[Way]:
        """What has to be true for a refusal."""
        request, kind = self.request, self.request.kind
        match kind, request.status:
            case Kind.ROBOT, 409:
                yield (Look(lambda world: get(world.robots, request.of) is not None),)
            case Kind.PASSWORD, 409:
                yield ()
            case Kind.REVOKE, 404:
                yield (Look(lambda world: get(world.robots, request.of) is None),)
            case _, 403 if kind in NEEDED:
                yield Look(self._is_public), Look(self._lacks)
                yield Look(self._is_private), Look(self._reads_only)
            case _, 404 if kind in NEEDED:
                if not (kind is Kind.PUSH and self._may_begin):
                    yield (Look(lambda world: self._living(world) is None),)
                    yield Look(self._is_private), Look(self._lacks)
                if kind is Kind.UNSHARE:
                    yield (Look(lambda world: self._share(world) is None),)

    # What a token is answered.

    def _with_token(self, token: Token) -> Iterator[Way]:
        request, kind = self.request, self.request.kind
        suffices = kind is not Kind.UPDATE or token.access is TokenScope.WRITE
        if request.status in SUCCESS[kind] and suffices and request.began < token.expiry:
            yield self._shown(token)
            if kind is Kind.PULL and token.access is TokenScope.READ:
                yield (Look(lambda world: self._is_remembered(world, token)),)
        if request.status == (403 if kind is Kind.VOUCH else 401):
            if request.ended >= token.expiry:
                yield ()
            yield (Look(lambda world: self._is_of_another_life(world, token)),)
        if request.status == 403 and not suffices:
            yield ()
        if request.status == 404:
            yield (Look(lambda world: self._any_life(world) is None),)
            if token.access is not TokenScope.DELETE:
                yield (Look(lambda world: self._is_over(world, token.generation)),)

    def _shown(self, token: Token) -> Way:
        """What a good token does. One for a deletion completes it."""
        request = self.request

        def is_good(world: World) -> bool:
            life = self._life(world, token.generation)
            there = life is not None and (not life.deleted or token.access is TokenScope.DELETE)
            return there and life is not None and request.found in (None, life.images)

        if request.kind is Kind.UPDATE:
            return Look(is_good), Act(partial(self._added, generation=token.generation))
        if token.access is TokenScope.DELETE:
            return Look(is_good), Act(partial(self._confirmed, generation=token.generation))
        return (Look(is_good),)

    def _is_of_another_life(self, world: World, token: Token) -> bool:
        life = self._any_life(world)
        return life is not None and life.generation != token.generation

    def _is_remembered(self, world: World, token: Token) -> bool:
        """Whether a container that has not changed the repository itself since may still have its list in memory."""
        request = self.request
        return any(
            (one.repository, one.generation, one.images) == (request.repository, token.generation, request.found)
            and one.until >= request.began - world.memory
            and all(self.answered.get(number, request.invoked) >= request.invoked for number in one.since)
            for one in world.past
        )

    # What is looked at.

    def _any_life(self, world: World) -> Life | None:
        return get(world.lives, self.request.repository)

    def _life(self, world: World, generation: str) -> Life | None:
        """This life, ended or not, until the next has begun."""
        life = self._any_life(world)
        return life if life is not None and life.generation == generation else None

    def _living(self, world: World) -> Life | None:
        life = self._any_life(world)
        return None if life is None or life.deleted else life

    def _is_over(self, world: World, generation: str | None = None, confirmed: bool | None = None) -> bool:
        life = self._any_life(world) if generation is None else self._life(world, generation)
        return life is not None and life.deleted and confirmed in (None, life.confirmed)

    def _is_public(self, world: World) -> bool:
        life = self._living(world)
        return life is not None and not life.private

    def _is_private(self, world: World) -> bool:
        life = self._living(world)
        return life is not None and life.private

    def _lacks(self, world: World) -> bool:
        """That the asker may not do it; behind a look at a head, its share may have gone with it."""
        life = self._living(world)
        return life is None or self._role(life) < self._needed

    def _reads_only(self, world: World) -> bool:
        life = self._living(world)
        return life is not None and Role.READ <= self._role(life) < self._needed

    def _share(self, world: World, generation: str | None = None) -> Role | None:
        life = self._any_life(world) if generation is None else self._life(world, generation)
        return None if life is None else get(life.shares, self.request.of)

    # What is done.

    def _after(self, world: World, now: float, life: Life) -> World:
        return world.with_life(self.request.repository, life, self.request.number, now)

    def _begun(self, world: World, now: float, generation: str) -> World | None:
        if self._living(world) is not None or self.generations[generation] < self.request.invoked:
            return None  # there is one, or this one was there before
        return self._after(world, now, Life(generation).with_images(self.request.images))

    def _added(self, world: World, now: float, generation: str) -> World:
        """An ended life takes an image too, but for its delete token nobody reads it; the next takes none."""
        life = self._life(world, generation)
        return world if life is None else self._after(world, now, life.with_images(self.request.images))

    def _changed(self, world: World, now: float, generation: str, change: Callable[[Life], Life]) -> World | None:
        life = self._life(world, generation)
        return None if life is None or life.deleted else self._after(world, now, change(life))

    def _unshared(self, world: World, now: float, generation: str) -> World:
        life = self._life(world, generation)
        if life is None:
            return world
        return self._after(world, now, replace(life, shares=put(life.shares, self.request.of, None)))

    def _confirmed(self, world: World, now: float, generation: str) -> World:
        life = self._life(world, generation)
        if life is None or not life.deleted:
            return world
        return self._after(world, now, replace(life, confirmed=True))

    def _password_replaced(self, world: World, _: float) -> World:
        assert isinstance(self.request.by, Account)
        return replace(world, passwords=put(world.passwords, self.request.by.name, self.request.secret))

    def _robot_made(self, world: World, _: float) -> World | None:
        if get(world.robots, self.request.of) is not None:
            return None
        return replace(world, robots=put(world.robots, self.request.of, self.request.secret))

    def _robot_revoked(self, world: World, _: float) -> World:
        return replace(world, robots=put(world.robots, self.request.of, None))


def _is_right(world: World, by: Account) -> bool:
    if by.robot:
        return get(world.robots, f"{by.name}/{by.robot}") == by.secret
    return get(world.passwords, by.name) == by.secret
