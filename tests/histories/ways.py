"""In which small steps the model could have answered a request as it was answered.

A request is no single moment: it signs in, looks at the repository, then at a share, and writes. Each is a moment of
its own, in this order, between the request and its answer. A *look* is something that has to be true then; an *act*
makes another world, or None where it cannot happen. A way is a sequence of them, and a request may have several.

Of refusals, a look says as much as a wrong refusal would need: one who may read, write or delete all the while is never
refused, and a private repository is a missing one to whoever may not read it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from chalicelib.access import Access, Role
from tests.histories.model import Life, World, get, put
from tests.histories.requests import Account, Kind, Request, Token


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
    Kind.PUSH: 200,
    Kind.UPDATE: 204,
    Kind.PULL: 200,
    Kind.VOUCH: 200,
    Kind.DELETE: 202,
    Kind.HIDE: 204,
    Kind.SHARE: 204,
    Kind.UNSHARE: 204,
    Kind.SIGN_IN: 200,
    Kind.PASSWORD: 204,
    Kind.ROBOT: 201,
    Kind.REVOKE: 204,
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
        if not self.request.is_known:
            return tuple(self._succeeded(self.request.generation))
        by, status = self.request.by, self.request.status
        if isinstance(by, Token):
            return tuple(self._with_token(by))
        if status == SUCCESS[self.request.kind] or (self.request.kind is Kind.DELETE and status == 200):
            return tuple(self._succeeded(self.request.generation))
        if status == 401:
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
        request = self.request
        leaves = request.kind is Kind.UNSHARE and isinstance(request.by, Account) and request.by.name == request.of
        return Role.READ if leaves and not request.by.robot else NEEDED[request.kind]  # type: ignore[union-attr]

    # What is asked for.

    def _succeeded(self, generation: str | None) -> Iterator[Way]:
        by, kind = self.request.by, self.request.kind
        lives = tuple(self.generations) if generation is None else (generation,)
        if isinstance(by, Token):
            acts = [Act(lambda world, now: self._added(world, now, by.generation))] if kind is Kind.UPDATE else []
            yield (Look(lambda world: self._is(world, by.generation)), *acts)
            return
        signed_in = self._signed_in()
        match kind:
            case Kind.SIGN_IN:
                yield signed_in
            case Kind.PASSWORD:
                yield *signed_in, Act(lambda world, _: self._password_replaced(world))
            case Kind.ROBOT:
                yield *signed_in, Act(lambda world, _: self._robot_made(world))
            case Kind.REVOKE:
                there = Look(lambda world: get(world.robots, self.request.of) is not None)
                yield *signed_in, there, Act(lambda world, _: self._robot_revoked(world))
            case Kind.DELETE if self.request.status == 200:
                yield *signed_in, Look(lambda world: self._is_over(world, None, confirmed=True))
            case _:
                for life in lives:
                    for admitted in self._admitted(life):
                        for done in self._done(life):
                            yield *signed_in, *admitted, *done
                    if kind is Kind.PUSH and self._may_begin:
                        yield *signed_in, Act(lambda world, now, life=life: self._begun(world, now, life))  # type: ignore[misc]
                    if kind is Kind.DELETE and self._rules:
                        yield *signed_in, Look(lambda world, life=life: self._is_over(world, life, confirmed=False))  # type: ignore[misc]

    def _admitted(self, generation: str) -> Iterator[Way]:
        """How the asker was let to this life: by what its head says, or by a share that is looked up behind it."""
        request, needed = self.request, self._needed

        def seen(world: World) -> Life | None:
            life = world.living(request.repository)
            if life is None or life.generation != generation:
                return None
            return life if request.found is None or life.images == request.found else None

        def is_let_in(world: World) -> bool:
            life = seen(world)
            return life is not None and self._role(life) >= needed

        def shares(world: World) -> bool:
            life = world.life(request.repository)
            return life is not None and life.generation == generation and self._role(life) >= needed

        yield (Look(is_let_in),)
        if isinstance(request.by, Account) and not self._rules:
            yield Look(lambda world: seen(world) is not None), Look(shares)

    def _done(self, generation: str) -> Iterator[Way]:
        """What it does there."""
        request = self.request
        match request.kind:
            case Kind.PULL:
                yield ()
            case Kind.PUSH | Kind.UPDATE:
                yield (Act(lambda world, now: self._added(world, now, generation)),)
            case Kind.DELETE:
                yield (Act(lambda world, now: self._changed(world, now, generation, lambda life: _ended(life))),)
            case Kind.HIDE:
                yield (Act(lambda world, now: self._changed(world, now, generation, self._hidden)),)
            case Kind.SHARE:
                yield (Act(lambda world, now: self._changed(world, now, generation, self._shared)),)
            case Kind.UNSHARE:
                there = Look(lambda world: self._share(world, generation) is not None)
                yield there, Act(lambda world, now: self._unshared(world, now, generation))

    def _with_token(self, token: Token) -> Iterator[Way]:
        """What a token was answered."""
        request, kind = self.request, self.request.kind
        refusal = 403 if kind is Kind.VOUCH else 401
        suffices = kind is not Kind.UPDATE or token.access is Access.WRITE
        if request.status == SUCCESS[kind] and suffices and request.began < token.expiry:
            if kind is not Kind.PULL:
                confirms = [Act(lambda world, now: self._confirmed(world, now, token))]
                acts = [Act(lambda world, now: self._added(world, now, token.generation))]
                yield (
                    Look(lambda world: self._is(world, token.generation, token.access)),
                    *(acts if kind is Kind.UPDATE else confirms if token.access is Access.DELETE else []),
                )
                return
            confirms = [Act(lambda world, now: self._confirmed(world, now, token))]
            fresh = Look(
                lambda world: self._is(world, token.generation, token.access) and self._images(world) == request.found
            )
            yield (fresh, *(confirms if token.access is Access.DELETE else []))
            if token.access is Access.READ:
                yield (Look(lambda world: self._is_remembered(world, token)),)
        if request.status == refusal and request.ended >= token.expiry:
            yield ()
        if request.status == refusal:
            yield (Look(lambda world: self._is_of_another_life(world, token)),)
        if request.status == 403 and not suffices:
            yield ()
        if request.status == 404:
            yield (Look(lambda world: world.life(request.repository) is None),)
            if token.access is not Access.DELETE:
                yield (Look(lambda world: self._is_over(world, token.generation)),)

    def _refused(self) -> Iterator[Way]:
        """What has to be true for a refusal."""
        request, kind, status = self.request, self.request.kind, self.request.status
        match kind, status:
            case Kind.ROBOT, 409:
                yield (Look(lambda world: get(world.robots, request.of) is not None),)
            case Kind.PASSWORD, 409:
                yield ()
            case Kind.REVOKE, 404:
                yield (Look(lambda world: get(world.robots, request.of) is None),)
            case _, 403 | 404 if kind in NEEDED:
                yield from self._kept_out(self._needed, status)

    def _kept_out(self, needed: Role, status: int) -> Iterator[Way]:
        repository = self.request.repository

        def lacks(world: World) -> bool:
            life = world.living(repository)
            return life is None or self._role(life) < needed

        def life_is(public: bool) -> Look:
            def holds(world: World) -> bool:
                life = world.living(repository)
                return life is not None and life.private is not public

            return Look(holds)

        def may_read(world: World) -> bool:
            life = world.living(repository)
            return life is not None and Role.READ <= self._role(life) < needed

        if status == 403:
            yield life_is(public=True), Look(lacks)
            yield life_is(public=False), Look(may_read)
            return
        if not (self.request.kind is Kind.PUSH and self._may_begin):
            yield (Look(lambda world: world.living(repository) is None),)
            yield life_is(public=False), Look(lacks)
        if self.request.kind is Kind.UNSHARE:
            yield (Look(lambda world: self._share(world, None) is None),)

    # Worlds before and after.

    def _is(self, world: World, generation: str, access: Access = Access.WRITE) -> bool:
        life = world.life(self.request.repository)
        return life is not None and life.generation == generation and (not life.deleted or access is Access.DELETE)

    def _is_over(self, world: World, generation: str | None, confirmed: bool | None = None) -> bool:
        life = world.life(self.request.repository)
        return (
            life is not None
            and life.deleted
            and generation in (None, life.generation)
            and confirmed in (None, life.confirmed)
        )

    def _is_of_another_life(self, world: World, token: Token) -> bool:
        life = world.life(self.request.repository)
        return life is not None and life.generation != token.generation

    def _is_remembered(self, world: World, token: Token) -> bool:
        """Whether a container that has not changed the list itself since may still have it in memory."""
        request = self.request
        return any(
            (one.repository, one.generation, one.images) == (request.repository, token.generation, request.found)
            and one.until >= request.began - world.memory
            and all(self.answered.get(number, request.invoked) >= request.invoked for number in one.since)
            for one in world.past
        )

    def _images(self, world: World) -> object:
        life = world.life(self.request.repository)
        return None if life is None else life.images

    def _share(self, world: World, generation: str | None) -> Role | None:
        life = world.life(self.request.repository)
        if life is None or generation not in (None, life.generation):
            return None
        return get(life.shares, self.request.of)

    def _begun(self, world: World, now: float, generation: str) -> World | None:
        before = world.life(self.request.repository)
        if before is not None and not before.deleted:
            return None
        if self.generations[generation] < self.request.invoked:
            return None  # it was there already
        life = Life(generation).with_images(self.request.images)
        return world.with_life(self.request.repository, life, self.request.number, now)

    def _added(self, world: World, now: float, generation: str) -> World:
        """An ended life takes an image too, but for its delete token nobody reads it; the next takes none."""
        life = world.life(self.request.repository)
        if life is None or life.generation != generation:
            return world
        after = life.with_images(self.request.images)
        return world.with_life(self.request.repository, after, self.request.number, now)

    def _changed(self, world: World, now: float, generation: str, change: Callable[[Life], Life]) -> World | None:
        life = world.living(self.request.repository)
        if life is None or life.generation != generation:
            return None
        return world.with_life(self.request.repository, change(life), self.request.number, now)

    def _hidden(self, life: Life) -> Life:
        return replace(life, private=self.request.private)

    def _shared(self, life: Life) -> Life:
        return replace(life, shares=put(life.shares, self.request.of, self.request.role))

    def _unshared(self, world: World, now: float, generation: str) -> World:
        life = world.life(self.request.repository)
        if life is None or life.generation != generation:
            return world
        after = replace(life, shares=put(life.shares, self.request.of, None))
        return world.with_life(self.request.repository, after, self.request.number, now)

    def _confirmed(self, world: World, now: float, token: Token) -> World:
        life = world.life(self.request.repository)
        if life is None or life.generation != token.generation or not life.deleted:
            return world
        return world.with_life(self.request.repository, replace(life, confirmed=True), self.request.number, now)

    def _password_replaced(self, world: World) -> World:
        assert isinstance(self.request.by, Account)
        return replace(world, passwords=put(world.passwords, self.request.by.name, self.request.secret))

    def _robot_made(self, world: World) -> World | None:
        if get(world.robots, self.request.of) is not None:
            return None
        return replace(world, robots=put(world.robots, self.request.of, self.request.secret))

    def _robot_revoked(self, world: World) -> World:
        return replace(world, robots=put(world.robots, self.request.of, None))


def _is_right(world: World, by: Account) -> bool:
    if by.robot:
        return get(world.robots, f"{by.name}/{by.robot}") == by.secret
    return get(world.passwords, by.name) == by.secret


def _ended(life: Life) -> Life:
    return replace(life, deleted=True, confirmed=False)
