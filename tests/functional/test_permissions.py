"""Who may do what: every operation crossed with every kind of caller and of repository, stated cell by cell.

docs/reference/permissions.md is made from here: `python -m tests.functional.test_permissions`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.callers import KINDS, try_account, try_repositories
from tests.index import Index

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "permissions.md"

PUBLIC = """\
| caller                      | images | layer | push | update | auth | delete | show | change | people | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------ | ----- | ------- | ------ | ----- |
| anonymous                   | 200    | 200   | 401  | 401    | 403  | 401    | 200  | 401    | 401    | 401   | 401     | shown  | shown |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| stranger                    | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403    | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| owner                       | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot of other repositories | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| administrator's robot       | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
"""

PRIVATE = """\
| caller                      | images | layer | push | update | auth | delete | show | change | people | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------ | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401    | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403    | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| owner                       | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 204   | 204     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
"""

LIBRARY = """\
| caller                      | images | layer | push | update | auth | delete | show | change | people | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------ | ----- | ------- | ------ | ----- |
| anonymous                   | 200    | 200   | 401  | 401    | 403  | 401    | 200  | 401    | 401    | 401   | 401     | shown  | shown |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| stranger                    | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403    | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| owner                       | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200    | 400   | 404     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| robot of other repositories | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| administrator's robot       | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403    | 403   | 403     | shown  | shown |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
"""

DELETED = """\
| caller                      | images | layer | push | update | auth | delete | show | change | people | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------ | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401    | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403    | 403   | 403     | 403    | 403   |
| reader                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| writer                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| repository admin            | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| owner                       | 404    | 404   | 200  | 404    | 403  | 202    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| administrator               | 404    | 404   | 200  | 404    | 403  | 202    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot read                  | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot write                 | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| writer's robot              | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| read token                  | 404    | 404   | 401  | 403    | 404  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| write token                 | 404    | 404   | 401  | 404    | 404  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
"""

MISSING = """\
| caller                      | images | layer | push | update | auth | delete | show | change | people | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------ | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401    | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403    | 403   | 403     | 403    | 403   |
| reader                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| writer                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| repository admin            | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| owner                       | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| administrator               | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot read                  | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot write                 | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| writer's robot              | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404    | 404   | 404     | -      | -     |
| read token                  | 404    | 404   | 401  | 403    | 404  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| write token                 | 404    | 404   | 401  | 404    | 404  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
| delete token                | 404    | 403   | 401  | 403    | 404  | 401    | 401  | 401    | 401    | 401   | 401     | 401    | 401   |
"""

ACCOUNT = """\
| caller                      | sign in | show | password | activate | robots | make robot | revoke robot | remove |
| --------------------------- | ------- | ---- | -------- | -------- | ------ | ---------- | ------------ | ------ |
| anonymous                   | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| wrong password              | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| stranger                    | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| inactive                    | 403     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| reader                      | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| writer                      | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| repository admin            | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| owner                       | 200     | 200  | 204      | 400      | 200    | 201        | 204          | 204    |
| administrator               | 200     | 200  | 403      | 204      | 200    | 403        | 204          | 204    |
| robot read                  | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| robot write                 | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| robot of other repositories | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| expired robot               | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| revoked robot               | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| writer's robot              | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| administrator's robot       | 200     | 403  | 403      | 403      | 403    | 403        | 403          | 403    |
| read token                  | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| write token                 | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
| delete token                | 401     | 401  | 401      | 401      | 401    | 401        | 401          | 401    |
"""

TABLES = dict(zip(KINDS, (PUBLIC, PRIVATE, LIBRARY, DELETED, MISSING), strict=True))


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_each_caller_gets_what_the_table_says(index: Index, kind: str) -> None:
    tried = try_repositories(index, kind)
    print(f"{kind}: {_counted(tried)}")
    assert tried == TABLES[kind]


@pytest.mark.exhaustive
def test_each_caller_gets_what_the_table_of_accounts_says(make_index: Callable[[], Index]) -> None:
    tried = try_account(make_index)
    print(f"accounts: {_counted(tried)}")
    assert tried == ACCOUNT


def _counted(table: str) -> str:
    _, _, *rows = table.splitlines()
    operations = rows[0].count("|") - 2
    return f"{len(rows)} kinds of caller, {operations} operations, {len(rows) * operations} cells"


def test_who_may_not_read_a_private_repository_cannot_tell_it_from_a_missing_one() -> None:
    without_access = (
        "anonymous",
        "wrong password",
        "stranger",
        "inactive",
        "robot of other repositories",
        "expired",
        "revoked",
    )
    for row in PRIVATE.splitlines():
        if row.removeprefix("| ").startswith(without_access):
            assert row in MISSING.splitlines()


def test_the_document_is_made_from_these_tables() -> None:
    assert DOCUMENT.read_text() == document()


def document() -> str:
    """docs/reference/permissions.md."""
    return f"""# Who may do what

Made by `python -m tests.functional.test_permissions` from the tables that `tests/functional/test_permissions.py` tries,
cell by cell. Roles on a repository: *read*, *write* (push too), *admin* (describe, hide, share and delete too). The
owner of a namespace and administrators are admin everywhere in it. A robot has its account's role, at most the one it
was made with, and never an administrator's reach into other people's namespaces.

Columns: `images` and `layer` are `GET …/images` and `GET …/layer/(id)/access`; `push` and `delete` are `PUT` and
`DELETE /v1/repositories/…`; `update` and `auth` are `PUT …/images` and `PUT …/auth`; `show` and `change` are `GET` and
`PUT /v1/namespaces/…/repositories/…`, `people`, `share` and `unshare` are `GET`, `PUT` and `DELETE` of its
`collaborators`; `listed` and `found` say whether the namespace's list and a search show the repository.

The owner owns every namespace here but `library`; reader, writer and repository admin are collaborators of the
repository, where it has any; robots are the owner's, where nothing else is said; tokens are for the repository.

## A public repository

{PUBLIC}
## A private repository

{PRIVATE}
## A repository of the library

{LIBRARY}
## A deleted repository

{DELETED}
## A missing repository

{MISSING}
## The owner's account

`sign in` is `GET /v1/users/`; the others are on `/v1/users/(the owner)`: `show` and `remove` are `GET` and `DELETE`,
`password` and `activate` are `PUT` of that; `robots`, `make robot` and `revoke robot` are `GET`, `PUT` and `DELETE` of
its `robots`.

{ACCOUNT}"""


if __name__ == "__main__":
    DOCUMENT.write_text(document())
