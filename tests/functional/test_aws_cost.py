"""docs/development/cost.md contains the calculated cost."""

import pytest

from bench.aws_cost.operations import count_usage
from bench.aws_cost.report import create_report
from bench.cost import count_operations
from infra import ROOT

pytestmark = pytest.mark.exhaustive
PAGE = ROOT / "docs" / "development" / "cost.md"


def test_page_contains_the_tables_of_the_command() -> None:
    tables = PAGE.read_text().partition("<!-- python -m bench.aws_cost -->\n")[2].partition("<!-- end -->")[0]
    expected = "".join(f"{line}\n" for line in create_report())
    assert tables == expected, "replace the tables of the page by the output of python -m bench.aws_cost"


def test_token_check_of_a_registry_costs_one_read_unit() -> None:
    usage = count_usage()["check"]
    assert (usage.reads, usage.writes, usage.macs, usage.bcrypts) == (1, 0, 0, 0)


def test_benchmark_of_the_cost_counts_each_operation() -> None:
    rows = count_operations(1)
    assert rows["GET images, token"]["calls"] == 1
    assert all(row["dollars"] >= 0 for row in rows.values())
