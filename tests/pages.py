"""What every page promises, and its parts for tests to look at."""

import hashlib
import re
from base64 import b64encode
from typing import Any
from xml.etree.ElementTree import Element

from html5lib import HTMLParser

from tests.index import Response


class Page:
    """A page that was parsed without an error and keeps what all of them promise."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.source = response.body.decode()
        self.root: Element = HTMLParser(strict=True, namespaceHTMLElements=False).parse(self.source)
        _check_headers(response, self._one("head/style").text or "")
        assert "<!DOCTYPE html>" in self.source
        assert self.root.get("lang") == "en"
        assert self._one("head/title").text
        assert self._one("head/meta[@name='viewport']").get("content") == "width=device-width, initial-scale=1"
        for landmark in ("body/header", "body/main", "body/footer", "body/main/h1"):
            self._one(landmark)
        assert len(list(self.root.iter("h1"))) == 1
        for element in self.root.iter():
            assert element.tag not in ("script", "iframe", "object", "embed", "base", "img", "svg", "link"), element.tag
            for attribute, value in element.items():
                assert attribute != "style"
                assert not attribute.startswith("on")
                assert attribute not in ("href", "action", "src") or re.match(r"/(?!/)", value or ""), value
        self._check_labels()

    @property
    def title(self) -> str:
        return self._one("body/main/h1").text or ""

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        return " ".join(" ".join(self._one("body").itertext()).split())

    @property
    def alert(self) -> str | None:
        found = self.root.find(".//*[@role='alert']")
        return None if found is None else found.text

    @property
    def commands(self) -> list[str]:
        return [code.text or "" for code in self.root.findall(".//pre/code")]

    @property
    def links(self) -> dict[str, str]:
        """Where the links lead, by their text."""
        return {link.text or "": link.get("href", "") for link in self.root.iter("a")}

    @property
    def shape(self) -> list[Any]:
        """Every element with the names of its attributes: what no value may change."""
        return [(element.tag, sorted(element.keys())) for element in self.root.iter()]

    def form(self, action: str) -> Element:
        return self._one(f".//form[@action='{action}']")

    def fields(self, action: str) -> dict[str, str]:
        """What a browser would send if its user typed nothing."""
        return {field.get("name", ""): field.get("value", "") for field in self.form(action).iter("input")}

    def _one(self, path: str) -> Element:
        (found,) = self.root.findall(path)
        return found

    def _check_labels(self) -> None:
        ids = [element.get("id") for element in self.root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        labelled = {label.get("for") for label in self.root.iter("label")}
        for field in self.root.iter("input"):
            assert field.get("type") == "hidden" or field.get("id") in labelled
            assert field.get("aria-describedby") in (None, *ids)


def _check_headers(response: Response, style: str) -> None:
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
