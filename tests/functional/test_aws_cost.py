"""What docs/development/cost.md says is what is counted."""

import pytest

from bench.aws_cost.operations import count
from bench.aws_cost.report import report
from infra.deploy.package import ROOT

pytestmark = pytest.mark.exhaustive
PAGE = ROOT / "docs" / "development" / "cost.md"


def test_the_page_has_the_tables_that_the_command_prints() -> None:
    on_the_page = PAGE.read_text().partition("<!-- python -m bench.aws_cost -->\n")[2].partition("<!-- end -->")[0]
    assert on_the_page == "".join(f"{line}\n" for line in report()), "update it with python -m bench.aws_cost"


def test_what_a_registry_asks_on_every_request_costs_one_read_unit_and_nothing_else() -> None:
    use = count()["check"]
    assert (use.reads, use.writes, use.macs, use.bcrypts) == (1, 0, 0, 0)
