"""Checks that apply to every page, and access to the parts of a page."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from html5lib import HTMLParser

from tests.index import Response

FORBIDDEN_ELEMENTS = ("iframe", "object", "embed", "base", "img")


class Page:
    """A page that is valid HTML and passes the checks for every page.

    Tests use `name`, data attributes, ids and links, so that the text can be rewritten without a change of the tests.
    """

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.source = response.body.decode()
        self.root: Element = HTMLParser(strict=True, namespaceHTMLElements=False).parse(self.source)
        self.headers = response.headers
        _check_headers(response, self._find_one("head/style").text or "", self._find_one("body/script").text or "")
        assert len(self.source) < 30_000 + len(self._find_one("head/style").text or "")
        assert "<!DOCTYPE html>" in self.source
        assert self.root.get("lang") == "en"
        assert self._find_one("head/title").text
        assert self._find_one("head/meta[@name='viewport']").get("content") == "width=device-width, initial-scale=1"
        for landmark in ("body/header", "body/main", "body/footer", "body/main/h1"):
            self._find_one(landmark)
        assert len(list(self.root.iter("h1"))) == 1
        self._check_elements()
        self._check_labels()

    @property
    def name(self) -> str:
        """The name of the page's template."""
        return self._find_one("body/main").get("data-page", "")

    @property
    def title(self) -> str:
        return self._find_one("body/main/h1").text or ""

    @property
    def text(self) -> str:
        """The visible text in one line."""
        return " ".join(" ".join(self._find_one("body").itertext()).split())

    @property
    def alert(self) -> str | None:
        element = self.root.find(".//*[@role='alert']")
        return None if element is None else element.text

    @property
    def commands(self) -> list[str]:
        return [code.text or "" for code in self.root.findall(".//pre/code")]

    @property
    def links(self) -> list[str]:
        """The targets of all links."""
        return [link.get("href", "") for link in self.root.iter("a")]

    @property
    def actions(self) -> set[str]:
        """The paths to which the forms of the page, without those of the header, are sent."""
        return {form.get("action", "") for form in self._find_one("body/main").iter("form")}

    @property
    def next_steps(self) -> dict[str, str]:
        """The targets of the links that an error page offers, by their `data-next`."""
        return {link.get("data-next", ""): link.get("href", "") for link in self.root.findall(".//a[@data-next]")}

    @property
    def shape(self) -> list[Any]:
        """All elements with the names of their attributes. No value may change them."""
        return [(element.tag, sorted(element.keys())) for element in self.root.iter()]

    def data(self, name: str) -> list[str]:
        """The values of all attributes `data-<name>`."""
        return [element.get(f"data-{name}", "") for element in self.root.findall(f".//*[@data-{name}]")]

    def link_with_rel(self, rel: str) -> str | None:
        """The target of the link with this relation, such as `next`."""
        link = self.root.find(f".//a[@rel='{rel}']")
        return None if link is None else link.get("href")

    def form(self, action: str) -> Element:
        """The form with this action. The account menu of the header also has one for `/logout`."""
        return self.root.findall(f".//form[@action='{action}']")[-1]

    def fields(self, action: str) -> dict[str, str]:
        """The fields of a form with the values that a browser sends if the user changes nothing."""
        return {name: value for element in self.form(action).iter() for name, value in _fields_of(element)}

    def _find_one(self, path: str) -> Element:
        (element,) = self.root.findall(path)
        return element

    def _check_elements(self) -> None:
        """Nothing on a page can run code, load something or lead to another host, except links in a description."""
        assert len(list(self.root.iter("script"))) == 1
        assert [link.get("rel") for link in self.root.iter("link")] == ["icon"]
        assert sum(element.tag.endswith("svg") for element in self.root.iter()) == 1
        described = {link for text in self.root.findall(".//*[@class='markdown']") for link in text.iter("a")}
        for element in self.root.iter():
            assert element.tag not in FORBIDDEN_ELEMENTS, element.tag
            if element in described or element.tag == "link":
                assert re.match(r"https?:|mailto:|data:image/svg", element.get("href", "")), element.get("href")
                continue
            for attribute, value in element.items():
                assert attribute != "style"
                assert not attribute.startswith("on")
                assert attribute not in ("href", "action", "src") or re.match(r"/(?!/)|\?|#main$", value or ""), value

    def _check_labels(self) -> None:
        ids = [element.get("id") for element in self.root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        labelled = {label.get("for") for label in self.root.iter("label")}
        fields = [field for tag in ("input", "select", "textarea") for field in self.root.iter(tag)]
        for field in fields:
            assert field.get("type") == "hidden" or field.get("hidden") is not None or field.get("id") in labelled
            assert field.get("aria-describedby") in (None, *ids)


def _fields_of(element: Element) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of a field if the browser sends it."""
    name = element.get("name", "")
    if element.tag == "input" and (element.get("type") != "radio" or element.get("checked") is not None):
        yield name, element.get("value", "")
    elif element.tag == "textarea":
        yield name, element.text or ""
    elif element.tag == "select":
        options = element.findall("option")
        yield name, next((o for o in options if o.get("selected") is not None), options[0]).get("value", "")


def _check_headers(response: Response, style: str, script: str) -> None:
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    style_hash, script_hash = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    assert response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
