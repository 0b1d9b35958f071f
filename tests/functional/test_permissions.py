"""The result of each operation for each kind of principal and each kind of repository.

`python -m tests.functional.test_permissions` generates docs/reference/permissions.md from the tables of this module.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.principals import KINDS, try_account, try_repositories
from tests.index import Index

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "permissions.md"

PUBLIC = """\
| principal                   | images | layer | push | update | auth | delete | show | change | collaborators | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------------- | ----- | ------- | ------ | ----- |
| anonymous                   | 200    | 200   | 401  | 401    | 403  | 401    | 200  | 401    | 401           | 401   | 401     | shown  | shown |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| stranger                    | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403           | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| owner                       | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot of other repositories | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| administrator's robot       | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
"""

PRIVATE = """\
| principal                   | images | layer | push | update | auth | delete | show | change | collaborators | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------------- | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401           | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403           | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| owner                       | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 204   | 204     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
"""

LIBRARY = """\
| principal                   | images | layer | push | update | auth | delete | show | change | collaborators | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------------- | ----- | ------- | ------ | ----- |
| anonymous                   | 200    | 200   | 401  | 401    | 403  | 401    | 200  | 401    | 401           | 401   | 401     | shown  | shown |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| stranger                    | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403           | 403   | 403     | 403    | 403   |
| reader                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| writer                      | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| repository admin            | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| owner                       | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| administrator               | 200    | 200   | 200  | 204    | 403  | 202    | 200  | 204    | 200           | 400   | 404     | shown  | shown |
| robot read                  | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot write                 | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| robot of other repositories | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| writer's robot              | 200    | 200   | 403  | 403    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| administrator's robot       | 200    | 200   | 200  | 204    | 403  | 403    | 200  | 403    | 403           | 403   | 403     | shown  | shown |
| read token                  | 200    | 200   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| write token                 | 200    | 200   | 401  | 204    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
"""

DELETED = """\
| principal                   | images | layer | push | update | auth | delete | show | change | collaborators | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------------- | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401           | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403           | 403   | 403     | 403    | 403   |
| reader                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| writer                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| repository admin            | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| owner                       | 404    | 404   | 200  | 404    | 403  | 202    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| administrator               | 404    | 404   | 200  | 404    | 403  | 202    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot read                  | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot write                 | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| writer's robot              | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| read token                  | 404    | 404   | 401  | 403    | 404  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| write token                 | 404    | 404   | 401  | 404    | 404  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| delete token                | 200    | 403   | 401  | 403    | 200  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
"""

MISSING = """\
| principal                   | images | layer | push | update | auth | delete | show | change | collaborators | share | unshare | listed | found |
| --------------------------- | ------ | ----- | ---- | ------ | ---- | ------ | ---- | ------ | ------------- | ----- | ------- | ------ | ----- |
| anonymous                   | 404    | 404   | 401  | 401    | 403  | 401    | 404  | 401    | 401           | 401   | 401     | -      | -     |
| wrong password              | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| stranger                    | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| inactive                    | 403    | 403   | 403  | 403    | 403  | 403    | 403  | 403    | 403           | 403   | 403     | 403    | 403   |
| reader                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| writer                      | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| repository admin            | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| owner                       | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| administrator               | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot read                  | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot write                 | 404    | 404   | 200  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| robot of other repositories | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| expired robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| revoked robot               | 401    | 401   | 401  | 401    | 403  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| writer's robot              | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| administrator's robot       | 404    | 404   | 404  | 404    | 403  | 404    | 404  | 404    | 404           | 404   | 404     | -      | -     |
| read token                  | 404    | 404   | 401  | 403    | 404  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| write token                 | 404    | 404   | 401  | 404    | 404  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
| delete token                | 404    | 403   | 401  | 403    | 404  | 401    | 401  | 401    | 401           | 401   | 401     | 401    | 401   |
"""

ACCOUNT = """\
| principal                   | log in | show | password | activate | robots | create robot | revoke robot | delete |
| --------------------------- | ------ | ---- | -------- | -------- | ------ | ------------ | ------------ | ------ |
| anonymous                   | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| wrong password              | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| stranger                    | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| inactive                    | 403    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| reader                      | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| writer                      | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| repository admin            | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| owner                       | 200    | 200  | 204      | 400      | 200    | 201          | 204          | 204    |
| administrator               | 200    | 200  | 403      | 204      | 200    | 403          | 204          | 204    |
| robot read                  | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| robot write                 | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| robot of other repositories | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| expired robot               | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| revoked robot               | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| writer's robot              | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| administrator's robot       | 200    | 403  | 403      | 403      | 403    | 403          | 403          | 403    |
| read token                  | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| write token                 | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
| delete token                | 401    | 401  | 401      | 401      | 401    | 401          | 401          | 401    |
"""

TABLES = dict(zip(KINDS, (PUBLIC, PRIVATE, LIBRARY, DELETED, MISSING), strict=True))
WITHOUT_ACCESS = (
    "anonymous",
    "wrong password",
    "stranger",
    "inactive",
    "robot of other repositories",
    "expired robot",
    "revoked robot",
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_each_principal_gets_the_documented_results_for_repositories(index: Index, kind: str) -> None:
    table = try_repositories(index, kind)
    print(f"{kind}: {_count_cells(table)}")
    assert table == TABLES[kind]


@pytest.mark.exhaustive
def test_each_principal_gets_the_documented_results_for_an_account(make_index: Callable[[], Index]) -> None:
    table = try_account(make_index)
    print(f"account: {_count_cells(table)}")
    assert table == ACCOUNT


def _count_cells(table: str) -> str:
    _, _, *rows = table.splitlines()
    operations = rows[0].count("|") - 2
    return f"{len(rows)} principals, {operations} operations, {len(rows) * operations} cells"


@pytest.mark.parametrize("principal", WITHOUT_ACCESS)
def test_private_repository_has_the_same_results_as_a_missing_one_without_access(principal: str) -> None:
    private, missing = (_row(table, principal) for table in (PRIVATE, MISSING))
    assert private == missing


def _row(table: str, principal: str) -> str:
    (row,) = (row for row in table.splitlines() if row.split("|")[1].strip() == principal)
    return row


def test_document_contains_these_tables() -> None:
    assert DOCUMENT.read_text() == render_document()


def render_document() -> str:
    """Return the text of docs/reference/permissions.md."""
    return f"""# Permissions

`python -m tests.functional.test_permissions` generates this page. The test tries each cell with a request.

A principal has one of these roles for a repository:

- *read*: pull.
- *write*: also push.
- *admin*: also describe, change the visibility, share and delete.

The owner of a namespace and administrators of the index have the role admin in it. A robot has the role of its account,
limited to the role of the robot. The robot of an administrator has no special rights in the namespaces of others.

The tables show the HTTP status of each request. The columns are:

| column                          | request                                                            |
| ------------------------------- | ------------------------------------------------------------------ |
| `images`, `update`              | `GET` and `PUT /v1/repositories/…/images`                          |
| `layer`                         | `GET /v1/repositories/…/layer/(id)/access`                         |
| `push`, `delete`                | `PUT` and `DELETE /v1/repositories/…`                              |
| `auth`                          | `PUT /v1/repositories/…/auth`                                      |
| `show`, `change`                | `GET` and `PUT /v1/namespaces/…/repositories/…`                    |
| `collaborators`                 | `GET /v1/namespaces/…/repositories/…/collaborators`                |
| `share`, `unshare`              | `PUT` and `DELETE /v1/namespaces/…/repositories/…/collaborators/…` |
| `listed`                        | whether the list of the namespace shows the repository             |
| `found`                         | whether a search shows the repository                              |

The principals are:

- The owner owns all namespaces in these tables except `library`.
- The reader, the writer and the repository admin are collaborators of the public and the private repository.
- The robots belong to the owner, unless the table names another account.
- The access tokens were issued for the repository.

## A public repository

{PUBLIC}
## A private repository

{PRIVATE}
## A repository in `library`

{LIBRARY}
## A deleted repository

{DELETED}
## A missing repository

{MISSING}
## The account of the owner

| column                   | request                                         |
| ------------------------ | ----------------------------------------------- |
| `log in`                 | `GET /v1/users/`                                |
| `show`, `delete`         | `GET` and `DELETE /v1/users/(owner)`            |
| `password`, `activate`   | `PUT /v1/users/(owner)` with this field         |
| `robots`                 | `GET /v1/users/(owner)/robots`                  |
| `create robot`           | `PUT /v1/users/(owner)/robots/(new name)`       |
| `revoke robot`           | `DELETE /v1/users/(owner)/robots/(name)`        |

{ACCOUNT}"""


if __name__ == "__main__":
    DOCUMENT.write_text(render_document())
