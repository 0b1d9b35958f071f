"""The result of each operation for each kind of principal and each kind of repository.

`python -m tests.functional.test_permissions` generates docs/reference/permissions.md from the expected tables.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import create_index
from tests.functional import page_tables, permission_tables, token_tables
from tests.functional.page_principals import try_account_pages, try_organization_pages, try_pages
from tests.functional.permission_tables import ACCOUNT, MISSING, PRIVATE
from tests.functional.principals import KINDS, try_account, try_repositories, try_tokens
from tests.index import Index
from tests.registries import create_registry_index

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "permissions.md"

TABLES, TOKEN_TABLES, PAGE_TABLES = (
    {kind: str(getattr(module, kind.upper().replace(" ", "_"))) for kind in KINDS}
    for module in (permission_tables, token_tables, page_tables)
)
FORMER = ("former member", "expired organization robot", "revoked organization robot")
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
@pytest.mark.parametrize("kind", KINDS)
def test_bearer_token_grants_each_principal_the_documented_actions(aws: None, kind: str) -> None:
    table = try_tokens(create_registry_index(create_index), kind)
    print(f"tokens, {kind}: {_count_cells(table)}")
    assert table == TOKEN_TABLES[kind]


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_pages_show_each_account_the_documented_results(index: Index, kind: str) -> None:
    table = try_pages(index, kind)
    print(f"pages, {kind}: {_count_cells(table)}")
    assert table == PAGE_TABLES[kind]


@pytest.mark.exhaustive
def test_each_principal_gets_the_documented_results_for_an_account(make_index: Callable[[], Index]) -> None:
    table = try_account(make_index)
    print(f"account: {_count_cells(table)}")
    assert table == ACCOUNT


@pytest.mark.exhaustive
def test_account_pages_show_each_account_the_documented_results(index: Index) -> None:
    assert try_account_pages(index) == page_tables.ACCOUNT


@pytest.mark.exhaustive
def test_organization_pages_show_each_account_the_documented_results(index: Index) -> None:
    assert try_organization_pages(index) == page_tables.ORGANIZATION


def _count_cells(table: str) -> str:
    _, _, *rows = table.splitlines()
    operations = rows[0].count("|") - 2
    return f"{len(rows)} principals, {operations} operations, {len(rows) * operations} cells"


@pytest.mark.parametrize("principal", WITHOUT_ACCESS)
def test_private_repository_has_the_same_results_as_a_missing_one_without_access(principal: str) -> None:
    assert _row(PRIVATE, principal) == _row(MISSING, principal)
    assert _row(token_tables.PRIVATE, principal) == _row(token_tables.MISSING, principal)
    if principal in page_tables.PRIVATE:
        assert _row(page_tables.PRIVATE, principal) == _row(page_tables.MISSING, principal)


@pytest.mark.parametrize("principal", [*WITHOUT_ACCESS, *FORMER])
def test_private_repository_of_an_organisation_is_like_a_missing_one_without_access(principal: str) -> None:
    for tables in (permission_tables, token_tables):
        assert _row(tables.ORGANIZATION_PRIVATE, principal) == _row(tables.ORGANIZATION_MISSING, principal)


def _row(table: str, principal: str) -> str:
    (row,) = (row for row in table.splitlines() if row.split("|")[1].strip() == principal)
    return row


def test_document_contains_these_tables() -> None:
    assert DOCUMENT.read_text() == render_document()


HEADINGS = {
    "public": "A public repository",
    "private": "A private repository",
    "library": "A repository in `library`",
    "deleted": "A deleted repository",
    "missing": "A missing repository",
    "unowned": "A public repository in a namespace without an account",
    "unowned missing": "A missing repository in a namespace without an account",
    "organization public": "A public repository of an organisation",
    "organization private": "A private repository of an organisation",
    "organization deleted": "A deleted repository of an organisation",
    "organization missing": "A missing repository of an organisation",
}


def _render_kind(kind: str) -> str:
    tables = (TABLES[kind], f"Actions of a bearer token:\n\n{TOKEN_TABLES[kind]}", f"Pages:\n\n{PAGE_TABLES[kind]}")
    return f"## {HEADINGS[kind]}\n\n" + "\n".join(tables) + "\n"


def render_document() -> str:
    """Return the text of docs/reference/permissions.md."""
    return f"""# Permissions

`python -m tests.functional.test_permissions` generates this page. The test tries each cell with a request.

A principal has one of these roles for a repository:

- *read*: pull.
- *write*: also push.
- *admin*: also describe, change the visibility, share and delete.

The owner of a namespace and administrators of the index have the role admin in it. The members of an organisation have
their role in all its repositories. A robot has the role of its account, limited to the role of the robot. A robot of an
organisation has its own role in all repositories of the organisation. The robot of an administrator has no special
rights in the namespaces of others.

A transfer needs the role admin for the repository, and in the new namespace; robots cannot transfer.

The tables show the HTTP status of each request. The columns are:

| column                          | request                                                            |
| ------------------------------- | ------------------------------------------------------------------ |
| `images`, `update`              | `GET` and `PUT /v1/repositories/…/images`                          |
| `layer`                         | `GET /v1/repositories/…/layer/(id)/access`                         |
| `push`, `delete`                | `PUT` and `DELETE /v1/repositories/…`                              |
| `auth`                          | `PUT /v1/repositories/…/auth`                                      |
| `show`, `change`                | `GET` and `PUT /v1/namespaces/…/repositories/…`                    |
| `tags`                          | `GET /v1/namespaces/…/repositories/…/tags`                         |
| `collaborators`                 | `GET /v1/namespaces/…/repositories/…/collaborators`                |
| `share`, `unshare`              | `PUT` and `DELETE /v1/namespaces/…/repositories/…/collaborators/…` |
| `transfer`                      | `POST /v1/namespaces/…/repositories/…/transfer`, same namespace    |
| `listed`                        | whether the list of the namespace shows the repository             |
| `found`                         | whether a search shows the repository                              |

A second table shows the actions that a bearer token of `GET /token` grants. Its columns are the actions that the client
requests in the scope `repository:(namespace)/(name):(actions)`. A token never reveals whether a repository exists. The
index checks only when a push is reported whether the namespace has an account.

A third table shows the status of pages and forms in a browser. Robots and tokens cannot log in there, so only accounts
and visitors have a row. A status of 303 leads to the next page: for a visitor to the login, after a form to its result.
A form of a visitor shows the login (403) and keeps the input. Its columns are:

| column                           | request                                                          |
| -------------------------------- | ---------------------------------------------------------------- |
| `page`, `images`, `settings`     | `GET /r/(namespace)/(repository)`, `…/images` and `…/settings`   |
| `describe`, `delete`             | `POST /r/…/describe` and `POST /r/…/delete`                      |
| `share`, `unshare`               | `POST /r/…/share` and `POST /r/…/unshare`                        |
| `create`                         | `POST /account/new` with this name                               |
| `listed`, `found`                | whether `GET /r/(namespace)` and `GET /?q=` show the repository  |

The principals are:

- The owner owns all namespaces in these tables except `library`, the namespaces without an account and the
  organisation.
- The reader, the writer and the repository admin are collaborators of the public and the private repository.
- The robots belong to the owner, unless the table names another account.
- The access tokens were issued for the repository.

{"".join(_render_kind(kind) for kind in KINDS)}## The account of the owner

| column                   | request                                         |
| ------------------------ | ----------------------------------------------- |
| `log in`                 | `GET /v1/users/`                                |
| `show`, `delete`         | `GET` and `DELETE /v1/users/(owner)`            |
| `password`, `activate`   | `PUT /v1/users/(owner)` with this field         |
| `robots`                 | `GET /v1/users/(owner)/robots`                  |
| `create robot`           | `PUT /v1/users/(owner)/robots/(new name)`       |
| `revoke robot`           | `DELETE /v1/users/(owner)/robots/(name)`        |
| `blocked`                | `GET /v1/users/(owner)/blocked`                 |
| `block`, `unblock`       | `PUT` and `DELETE /v1/users/(owner)/blocked/…`  |

{ACCOUNT}
The pages of the account area belong to the account that has logged in. Only administrators can open `/accounts` and
`/audit`:

{page_tables.ACCOUNT}
## The pages of an organisation

| column                         | request                                                        |
| ------------------------------ | -------------------------------------------------------------- |
| `members`, `settings`          | `GET /organizations/(name)` and `…/settings`                   |
| `robots`                       | `GET /organizations/(name)/robots`                             |
| `create`                       | `POST /account/organizations` with a new name                  |
| `add`, `remove`                | `POST /organizations/(name)/members` and `…/members/remove`    |
| `create robot`, `revoke robot` | `POST /organizations/(name)/robots` and `…/(robot)/revoke`     |
| `leave`, `delete`              | `POST /organizations/(name)/leave` and `…/delete`              |

{page_tables.ORGANIZATION}"""


if __name__ == "__main__":
    DOCUMENT.write_text(render_document())
