"""The rules of docs/development/architecture.md about imports, the size of modules, and private interfaces."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[2]
MAX_LINES = 300
MAX_TEST_LINES = 460  # tests of one subject share their helpers
PACKAGES = ("app", "chalicelib", "infra", "bench", "tests")

# The other packages of chalicelib that a package can import.
ALLOWED = {
    "app": {"bootstrap", "chalice_adapter", "request_log", "settings"},
    "bootstrap": {
        "accounts",
        "api",
        "audit_log",
        "aws",
        "domain",
        "pages",
        "repositories",
        "security",
        "settings",
        "storage",
    },
    "chalice_adapter": {"api", "domain", "http_api", "request_log"},
    "http_api": {"api"},
    "api": {"accounts", "domain", "repositories", "request_log", "security"},
    "pages": {"accounts", "api", "audit_log", "domain", "repositories", "request_log", "settings"},
    "accounts": {"domain", "repositories", "request_log", "security", "settings", "storage"},
    "repositories": {"domain", "request_log", "storage"},
    "storage": {"domain"},
    "security": {"domain"},
    "domain": set[str](),
    "request_log": {"domain"},
    "audit_log": {"domain"},
    "settings": {"domain", "settings_table"},
    "settings_table": {"domain", "settings_parsers"},
    "settings_parsers": {"domain"},
    "aws": {"domain"},
}
# The packages of chalicelib that can import a library. All others cannot.
LIBRARIES = {
    "chalice": {"app", "chalice_adapter"},
    "pynamodb": {"storage"},
    "botocore": {"accounts", "audit_log", "aws", "security", "storage"},
    "bcrypt": {"security"},
    "http": set[str](),
    "infra": set[str](),
    "bench": set[str](),
    "tests": set[str](),
    "moto": set[str](),
    "boto3": set[str](),
    "unittest": set[str](),
}
# infra can import chalicelib, but not the benchmarks and the tests.
FOREIGN = {"infra": {"bench", "tests"}}
# The modules that can use private attributes of PynamoDB.
PYNAMODB_PRIVATE = {"chalicelib/storage/shared_client.py"}


class Module(Struct, frozen=True):
    """A module.

    Attributes:
        path: relative to the root, with slashes.
        source: the text.
    """

    path: str
    source: str

    @property
    def package(self) -> str:
        """`storage` for chalicelib/storage/users.py, `settings` for chalicelib/settings.py, `app` for app.py."""
        parts = self.path.removesuffix(".py").split("/")
        return parts[1] if parts[0] == "chalicelib" else parts[0]

    @property
    def is_product(self) -> bool:
        return self.path == "app.py" or self.path.startswith("chalicelib/")


@cache
def modules() -> tuple[Module, ...]:
    files = [ROOT / "app.py", *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))]
    return tuple(
        Module(file.relative_to(ROOT).as_posix(), file.read_text())
        for file in sorted(files)
        if "node_modules" not in file.parts
    )


def find_imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of each imported module, also of imports inside functions.

    `from chalicelib.domain import roles` gives `chalicelib.domain.roles`.
    """
    package = module.path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [*base, *filter(None, [node.module])]
            for alias in node.names:
                yield node.lineno, ".".join([*names, alias.name])


def find_import_violations(module: Module) -> list[str]:
    """Return `path:line: reason` for each import that breaks a rule."""
    found = []
    for line, name in find_imports(module):
        top, *rest = name.split(".")
        reason = ""
        if not module.is_product:
            if top in FOREIGN.get(module.package, ()):
                reason = f"{module.package} cannot import {top}"
        elif top == "chalicelib" and rest:
            if rest[0] != module.package and rest[0] not in ALLOWED.get(module.package, ()):
                reason = f"{module.package} cannot import {rest[0]}"
        elif top in LIBRARIES and module.package not in LIBRARIES[top]:
            reason = f"{module.package} cannot import {top}"
        if reason:
            found.append(f"{module.path}:{line}: {reason} ({name})")
    return found


def find_private_pynamodb_uses(module: Module) -> list[str]:
    """Return `path:line: name` for each private attribute that this module reads or writes on another object.

    Only modules that import PynamoDB are examined. `self._x` and `cls._x` are our own attributes.
    """
    if not any(name.split(".")[0] == "pynamodb" for _, name in find_imports(module)):
        return []
    found = []
    for node in ast.walk(ast.parse(module.source)):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            continue
        found.append(f"{module.path}:{node.lineno}: {ast.unparse(node)}")
    return found


def test_imports_go_one_way() -> None:
    violations = [violation for module in modules() for violation in find_import_violations(module)]
    assert violations == []


def test_each_package_of_the_product_has_a_rule() -> None:
    packages = {module.package for module in modules() if module.is_product}
    assert packages - {"__init__"} == set(ALLOWED)


def test_rules_have_no_cycle() -> None:
    remaining = {package: set(allowed) for package, allowed in ALLOWED.items()}
    while remaining:
        leaves = {package for package, allowed in remaining.items() if not allowed}
        assert leaves, f"a cycle of {sorted(remaining)}"
        remaining = {package: allowed - leaves for package, allowed in remaining.items() if package not in leaves}


def test_modules_have_at_most_300_lines() -> None:
    long = {
        module.path: lines
        for module in modules()
        if (lines := module.source.count("\n")) > (MAX_TEST_LINES if module.path.startswith("tests/") else MAX_LINES)
    }
    assert long == {}


def test_private_attributes_of_pynamodb_are_used_in_one_module() -> None:
    uses = [
        use
        for module in modules()
        if module.is_product and module.path not in PYNAMODB_PRIVATE
        for use in find_private_pynamodb_uses(module)
    ]
    assert uses == []


@pytest.mark.parametrize(
    ("path", "source", "is_violation"),
    [
        ("chalicelib/domain/roles.py", "from chalicelib.storage.users import UserStore", True),
        ("chalicelib/domain/roles.py", "from chalicelib import storage", True),
        ("chalicelib/domain/roles.py", "from ..storage import users", True),
        ("chalicelib/domain/roles.py", "def f():\n    import botocore.session", True),
        ("chalicelib/domain/roles.py", "from chalicelib.domain.identifiers import LIBRARY", False),
        ("chalicelib/domain/roles.py", "from .identifiers import LIBRARY", False),
        ("chalicelib/repositories/service.py", "from pynamodb.models import Model", True),
        ("chalicelib/repositories/service.py", "from chalicelib.accounts.service import Accounts", True),
        ("chalicelib/storage/users.py", "from pynamodb.models import Model", False),
        ("chalicelib/storage/users.py", "from chalicelib.repositories.search import Search", True),
        ("chalicelib/api/http.py", "from chalice.app import Chalice", True),
        ("chalicelib/api/http.py", "from chalicelib.pages.html import PageRenderer", True),
        ("chalicelib/settings.py", "from chalicelib.aws import Clients", True),
        ("chalicelib/chalice_adapter.py", "from chalice.app import Chalice", False),
        ("app.py", "from chalice.app import Chalice", False),
        ("app.py", "import infra.cli", True),
        ("infra/cli.py", "import tests.index", True),
        ("infra/cli.py", "from chalicelib.settings import Settings", False),
        ("tests/index.py", "from infra.devserver.gateway import Gateway", False),
    ],
)
def test_planted_import_is_found(path: str, source: str, is_violation: bool) -> None:
    violations = find_import_violations(Module(path, source))
    assert bool(violations) is is_violation
    assert all(violation.startswith(f"{path}:") for violation in violations)


def test_planted_private_attribute_is_found() -> None:
    source = "from pynamodb.connection import Connection\nclass A:\n    def f(self, c):\n        self._x = c._client\n"
    assert find_private_pynamodb_uses(Module("chalicelib/storage/users.py", source)) == [
        "chalicelib/storage/users.py:4: c._client"
    ]
    assert find_private_pynamodb_uses(Module("chalicelib/api/http.py", "x._client")) == []
