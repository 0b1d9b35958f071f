"""What docs/cost.md says is what is counted."""

import pytest
from click.testing import CliRunner

from infra.__main__ import cli
from infra.cost.operations import count
from infra.package import ROOT

pytestmark = pytest.mark.exhaustive
PAGE = ROOT / "docs" / "cost.md"


def test_the_page_has_the_tables_that_the_command_prints() -> None:
    printed = CliRunner().invoke(cli, ["cost"])
    assert printed.exit_code == 0, printed.output
    on_the_page = PAGE.read_text().partition("<!-- python -m infra cost -->\n")[2].partition("<!-- end -->")[0]
    assert on_the_page == printed.output, "make it anew: python -m infra cost"


def test_what_a_registry_asks_on_every_request_costs_one_read_unit_and_nothing_else() -> None:
    use = count()["check"]
    assert (use.reads, use.writes, use.macs, use.bcrypts) == (1, 0, 0, 0)
