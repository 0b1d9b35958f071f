"""Comparison of the index with a registry, and correction of the index."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.scopes import EVERYTHING, Scope
from chalicelib.domain.tags import Tag, TagAction, TagEvent
from chalicelib.settings import Settings
from infra.admin.audit_log import record
from infra.admin.command import confirm
from infra.admin.output import progress, write_fields
from infra.admin.registry_client import RegistryClient, RegistryError, fetch_token
from infra.admin.scans import scan_repositories
from infra.admin.target import Target

PARALLEL_REQUESTS = 8
_BATCH = 64  # repositories that are compared at the same time, so that memory is bounded


class Difference(Struct, frozen=True):
    """How one repository differs."""

    repository: str
    added: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    only_in_index: tuple[str, ...] = ()
    is_unknown: bool = False  # the registry has it, and its name has no owner here
    is_deleted: bool = False  # the registry has it, and it was deleted here; it is not created again
    is_over_quota: bool = False  # the registry has it, and its owner has reached a quota here


class Reconciliation:
    """Compares and corrects. `variables` are the settings of the index."""

    def __init__(self, index: Target, url: str, variables: dict[str, str]) -> None:
        self._index = index
        self._base_url = variables["BASE_URL"]
        self._services = [name.strip() for name in variables["REGISTRIES"].split(",")]
        self._service = RegistryClient(url).read_challenge().service
        if self._service not in self._services:
            raise RegistryError(f"the service {self._service!r} is not in REGISTRIES ({', '.join(self._services)})")
        self._client = RegistryClient(url, self._issue_token)
        # The settings of the index decide the visibility of a new repository and the key, not those of the operator.
        stack = {"STACK": index.settings.stack, "AWS_REGION": index.settings.region}
        self._product = Services(Settings.from_environment({**variables, **stack}), index.aws)
        self._started = time.time_ns()

    def run(self, *, is_dry_run: bool, prunes: bool, as_json: bool, yes: bool) -> None:
        """Compare all repositories. Correct them unless `is_dry_run`. Nothing is removed if a listing fails."""
        if prunes and len(self._services) > 1:
            raise RegistryError(
                "--prune is not possible with several REGISTRIES, because the index does not store which has a tag"
            )
        seen: set[str] = set()
        differences: list[Difference] = []
        with progress() as bar, ThreadPoolExecutor(PARALLEL_REQUESTS) as executor:
            task = bar.add_task("compare", total=None)
            for batch in _batches(self._client.list_repositories()):
                seen.update(batch)
                for difference in executor.map(lambda name: self._compare(name, is_dry_run=is_dry_run), batch):
                    bar.advance(task)
                    if difference is not None:
                        differences.append(difference)
            missing = []
            others = (str(item.name) for item in scan_repositories(self._index) if str(item.name) not in seen)
            for batch in _batches(others):
                missing += batch
                differences += filter(None, executor.map(self._find_stale, batch))
        stale = {item.repository: item.only_in_index for item in differences if item.only_in_index}
        removed = 0
        if prunes and not is_dry_run and stale:
            confirm(f"Remove {sum(map(len, stale.values()))} tags from {self._index.name}?", yes)
            removed = sum(self._remove(name, tag) for name, tags in stale.items() for tag in tags)
        summary = {
            "repositories": len(seen),
            "added_tags": sum(len(item.added) for item in differences),
            "corrected_tags": sum(len(item.corrected) for item in differences),
            "only_in_index": [f"{name}:{tag}" for name, tags in stale.items() for tag in tags],
            "removed_tags": removed,
            "unknown_in_index": [item.repository for item in differences if item.is_unknown],
            "deleted_in_index": [item.repository for item in differences if item.is_deleted],
            "over_quota": [item.repository for item in differences if item.is_over_quota],
            "not_in_registry": missing,
        }
        if not is_dry_run:
            record(self._index, "registry.reconciled", self._service, added=summary["added_tags"], removed=removed)
        write_fields(summary, as_json=as_json)

    def _compare(self, name: str, *, is_dry_run: bool) -> Difference | None:
        """Compare one repository, and correct it. Return None if nothing differs."""
        stores = self._index.stores
        repository = _parse(name)
        if repository is None:
            return Difference(name, is_unknown=True)
        existing = stores.repositories.get(repository)
        if existing is None and repository.namespace != LIBRARY:
            owner = stores.organizations.get_owner(repository.namespace)
            if owner is None or owner.deletion_started:
                return Difference(name, is_unknown=True)
        head = stores.images.get_head(repository)
        if existing is None and head is not None and head.deleted:
            return Difference(name, is_deleted=True)
        names = self._client.list_tags(name)
        known = {} if existing is None else {t.name: t for t in stores.tags.list_all(repository, existing.generation)}
        added: list[str] = []
        corrected: list[str] = []
        for tag_name in names:
            now = time.time_ns()  # before the read, so that a later push replaces what was read
            manifest = self._client.read_manifest(name, tag_name)
            if manifest is None:
                continue
            stored = known.get(tag_name)
            if stored is not None and stored.digest == manifest.digest:
                continue
            (added if stored is None else corrected).append(tag_name)
            if not is_dry_run:
                tag = Tag(tag_name, manifest.digest, manifest.media_type, manifest.size, now)
                is_recorded = self._product.tags.record(TagEvent(TagAction.PUSH, name, tag)) is not None
                if not is_recorded and stores.repositories.get(repository) is None:
                    return Difference(name, is_over_quota=True)
        stale = [tag.name for tag in known.values() if tag.name not in names and tag.pushed < self._started]
        if not (added or corrected or stale):
            return None
        return Difference(name, tuple(added), tuple(corrected), tuple(stale))

    def _find_stale(self, name: str) -> Difference | None:
        """Return the tags of a repository that the registry does not have at all."""
        stores, repository = self._index.stores, RepositoryName.parse(name)
        existing = stores.repositories.get(repository)
        tags = () if existing is None else stores.tags.list_all(repository, existing.generation)
        stale = tuple(tag.name for tag in tags if tag.pushed < self._started)
        return Difference(name, only_in_index=stale) if stale else None

    def _remove(self, name: str, tag: str) -> bool:
        """Remove a tag that was pushed before the start, unless it was pushed again since."""
        repository = RepositoryName.parse(name)
        existing = self._index.stores.repositories.get(repository)
        if existing is None or self._client.read_manifest(name, tag) is not None:
            return False
        removed = Tag(name=tag, digest="", media_type="", size=None, pushed=self._started)
        return self._product.tags.record(TagEvent(TagAction.DELETE, name, removed)) is not None

    def _issue_token(self, scope: str) -> str:
        """Return a token that reads everything. On AWS, the operator's credentials sign it.

        A local server issues it for the administrator, because its key is not in KMS.
        """
        if self._index.administrator is not None:
            answer = fetch_token(f"{self._base_url}/token", self._service, scope, self._index.authorization)
            if answer.status != 200:
                raise RegistryError(f"the index answered {answer.status} for a token; is {self._base_url} its URL?")
            return str(answer.json()["token"])
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        granted = Scope(kind, name, tuple(actions.split(",")) if kind == "repository" else (EVERYTHING,))
        return self._product.bearer_tokens.issue("waybill-reconcile", self._service, [granted]).text


def _parse(name: str) -> RepositoryName | None:
    namespace, slash, rest = name.partition("/")
    try:
        return RepositoryName.of(namespace, rest) if slash else None
    except InvalidInput:
        return None


def _batches(names: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
