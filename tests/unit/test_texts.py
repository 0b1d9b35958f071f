"""Relative times, sizes and numbers on pages."""

from datetime import timedelta

import pytest

from chalicelib.pages.texts import describe_age, describe_size, pluralize


@pytest.mark.parametrize(
    ("age", "text"),
    [
        ({"seconds": -5}, "just now"),
        ({"seconds": 59}, "just now"),
        ({"seconds": 60}, "1 minute ago"),
        ({"minutes": 119}, "1 hour ago"),
        ({"hours": 47}, "1 day ago"),
        ({"days": 29}, "29 days ago"),
        ({"days": 65}, "2 months ago"),
        ({"days": 364}, "12 months ago"),
        ({"days": 366}, "1 year ago"),
        ({"days": 5000}, "13 years ago"),
    ],
)
def test_age_is_given_in_its_largest_unit(age: dict[str, float], text: str) -> None:
    assert describe_age(timedelta(**age)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1570, "1.6 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_size_has_two_or_three_digits(size: int | None, text: str) -> None:
    assert describe_size(size) == text


def test_nouns_have_a_plural() -> None:
    assert [pluralize(count, "image") for count in (0, 1, 2, 1200)] == [
        "0 images",
        "1 image",
        "2 images",
        "1,200 images",
    ]
    assert (pluralize(2, "repository"), pluralize(2, "day")) == ("2 repositories", "2 days")
