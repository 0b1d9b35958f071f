"""`doctor`: what is wrong with an index, and putting it right."""

import sys
from collections.abc import Callable, Iterator

import click

from infra.admin.audit_log import record
from infra.admin.checks.accounts import check_accounts, check_addresses, check_robots
from infra.admin.checks.collaborators import check_shares
from infra.admin.checks.finding import Finding
from infra.admin.checks.repositories import check_repositories, check_terms
from infra.admin.checks.stack import check_stack
from infra.admin.command import Command, acts_on_an_index, as_json, asks, confirm
from infra.admin.output import progress, write_json, write_rows
from infra.admin.target import Target

CHECKS: tuple[Callable[[Target], Iterator[Finding]], ...] = (
    check_stack,
    check_accounts,
    check_addresses,
    check_robots,
    check_repositories,
    check_shares,
    check_terms,
)


@click.command(cls=Command)
@click.option("--mend", is_flag=True, help="Put right what can be.")
@acts_on_an_index
@asks
@as_json
def doctor(mend: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Report what is inconsistent or misconfigured, and mend it.

    Status is 1 if anything is left as it should not be. Every table is read from end to end. On a busy index a finding
    may be a change that was under way: mending looks again before it writes, and running it once more shows what stays.
    """
    findings = _examine(index, mend=False)
    if mend and any(finding.mend for finding in findings):
        if not as_json:
            _show(findings)
        confirm(f"Mend {sum(1 for finding in findings if finding.mend)} of them on {index.name}?", yes)
        findings = _examine(index, mend=True)
        record(index, "index.repaired", index.settings.stack, mended=sum(1 for finding in findings if finding.mend))
    if as_json:
        write_json([_row(finding, mended=mend and finding.mend is not None) for finding in findings])
    elif mend:
        for finding in findings:
            click.echo(f"{'mended' if finding.mend else 'left'}: {finding.about}: {finding.problem}")
    elif findings:
        _show(findings)
    left = [finding for finding in findings if not (mend and finding.mend)]
    if not as_json:
        click.echo(_summary(index, findings, left))
    sys.exit(1 if left else 0)


def _examine(index: Target, *, mend: bool) -> list[Finding]:
    """What every check finds. Each is mended before the next check looks, for one thing follows from another."""
    found: list[Finding] = []
    with progress() as bar:
        for check in bar.track(CHECKS, description="mend" if mend else "examine"):
            findings = list(check(index))
            for finding in findings:
                if mend and finding.mend is not None:
                    finding.mend()
            found += findings
    return found


def _show(findings: list[Finding]) -> None:
    write_rows((_row(finding, mended=False) for finding in findings), ("about", "problem", "remedy"), as_json=False)


def _row(finding: Finding, *, mended: bool) -> dict[str, object]:
    return {
        "about": finding.about,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "can_be_mended": finding.mend is not None,
        "mended": mended,
    }


def _summary(index: Target, findings: list[Finding], left: list[Finding]) -> str:
    if not findings:
        return f"{index.name} is in order"
    mendable = sum(1 for finding in left if finding.mend is not None)
    advice = f"; --mend puts {mendable} of them right" if mendable else ""
    return f"{len(findings)} found on {index.name}, {len(left)} left{advice}"
