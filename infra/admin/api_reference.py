"""Writes the files that serve the API reference in a browser, from docs/reference/openapi.yaml.

`make docs` writes chalicelib/pages/openapi.yaml, a copy, because the Lambda package contains no documentation. It also
writes chalicelib/pages/api_reference.html, the content of the page `/api`.
"""

from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from chalicelib.pages.markdown import render_markdown

_ROOT = Path(__file__).parents[2]
SOURCE = _ROOT / "docs" / "reference" / "openapi.yaml"
COPY = _ROOT / "chalicelib" / "pages" / "openapi.yaml"
PAGE = _ROOT / "chalicelib" / "pages" / "api_reference.html"
_METHODS = ("get", "put", "post", "delete")
_LOGINS = {"basic": "username and password", "token": "access token", "bearer": "bearer token"}
_OWN_TAG = "Waybill's own"
_OPERATION = Markup(
    '<details class="operation" id="call-{id}"><summary><code>{method} {path}</code> {summary}</summary>\n'
    "{description}<dl>\n<dt>Login</dt><dd>{login}</dd>\n{query}{body}<dt>Responses</dt><dd>{responses}</dd>\n</dl></details>\n"
)


def render_reference(document: dict[str, Any]) -> str:
    """Return the calls of the document by tag, as HTML."""
    groups: dict[str, list[Markup]] = {tag["name"]: [] for tag in document["tags"] if tag["name"] != _OWN_TAG}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item and not item[method]["operationId"].endswith("InLibrary"):
                groups[item[method]["tags"][0]].append(_render_operation(document, path, method, item[method]))
    descriptions = {tag["name"]: tag["description"] for tag in document["tags"]}
    return "".join(
        Markup("<h2>{}</h2>\n{}{}").format(
            name.capitalize(), render_markdown(descriptions[name]), Markup().join(operations)
        )
        for name, operations in groups.items()
        if operations
    )


def main() -> None:
    """Write both files."""
    text = SOURCE.read_text(encoding="utf-8")
    COPY.write_text(text, encoding="utf-8")
    PAGE.write_text(render_reference(yaml.safe_load(text)), encoding="utf-8")


def _render_operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Markup:
    logins = [
        ", ".join(_LOGINS.get(kind, kind) for kind in way) or "none"
        for way in operation.get("security", document["security"])
    ]
    query = [p["name"] for p in operation.get("parameters", ()) if p.get("in") == "query"]
    empty: dict[str, Any] = {}
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = next(iter(content.values()), empty).get("schema", empty)
    fields = list(schema.get("properties", {}))
    return _OPERATION.format(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=render_markdown(operation.get("description", "")),
        login=" or ".join(dict.fromkeys(logins)),
        query=_render_names("Query", query),
        body=_render_names("Body", fields),
        responses=", ".join(operation["responses"]),
    )


def _render_names(label: str, names: list[str]) -> Markup:
    codes = Markup(", ").join(Markup("<code>{}</code>").format(name) for name in names)
    return Markup("<dt>{}</dt><dd>{}</dd>\n").format(label, codes) if names else Markup()


if __name__ == "__main__":
    main()
