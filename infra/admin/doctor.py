"""`waybill doctor`: finds problems in an index, and fixes those that have a safe fix."""

import sys

import click

from infra.admin.audit_log import record
from infra.admin.command import Command, confirm, index_options, yes_option
from infra.admin.finding import Finding
from infra.admin.output import progress, write_json, write_rows
from infra.admin.target import Target


@click.command(cls=Command)
@click.option(
    "--fix",
    is_flag=True,
    help="Fix the problems that an interruption or an upgrade can cause: incomplete deletions and transfers, orphaned "
    "robots, shares and segments, missing or stale search terms, and wrong numbers of tags. Turn on what the template "
    "turns on for the tables.  [default: only report]",
)
@yes_option
@index_options
def doctor(fix: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Report inconsistent data and unsafe configuration.

    Exits with status 1 if problems remain. Scans all tables. On a busy index a problem can be a change in progress: run
    the command again. Each fix first checks that the problem still exists.
    """
    findings = find_problems(index)
    fixable = [finding for finding in findings if finding.fix is not None]
    fixed: list[Finding] = []
    if fix and fixable:
        if not as_json:
            _write_table(findings)
        confirm(f"Fix {len(fixable)} of {len(findings)} problems on {index.name}?", yes)
        fixed = _fix(index, fixable)
    if as_json:
        write_json([_row(finding, is_fixed=finding in fixed) for finding in findings])
    else:
        if findings and not (fix and fixable):
            _write_table(findings)
        click.echo(_summarize(index, findings, fixed))
    sys.exit(1 if len(fixed) < len(findings) else 0)


def find_problems(index: Target) -> list[Finding]:
    """Return the findings of all checks."""
    from infra.admin.organization_checks import DATA_CHECKS  # imports PynamoDB
    from infra.admin.stack_checks import check_stack

    with progress() as bar:
        checks = bar.track((check_stack, *DATA_CHECKS), description="check")
        return [finding for check in checks for finding in check(index)]


def _fix(index: Target, findings: list[Finding]) -> list[Finding]:
    """Fix the findings, and return those that a second examination does not find."""
    with progress() as bar:
        for finding in bar.track(findings, description="fix"):
            if finding.fix is not None:
                finding.fix()
    remaining = {(finding.code, finding.subject) for finding in find_problems(index)}
    fixed = [finding for finding in findings if (finding.code, finding.subject) not in remaining]
    record(index, "index.repaired", index.settings.stack, fixed=len(fixed))
    return fixed


def _write_table(findings: list[Finding]) -> None:
    write_rows(
        (_row(finding) for finding in findings), ("subject", "problem", "remedy"), noun="problems", as_json=False
    )


def _row(finding: Finding, *, is_fixed: bool = False) -> dict[str, object]:
    return {
        "code": finding.code,
        "subject": finding.subject,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "fixable": finding.fix is not None,
        "fixed": is_fixed,
    }


def _summarize(index: Target, findings: list[Finding], fixed: list[Finding]) -> str:
    if not findings:
        return f"no problems on {index.name}"
    fixable = sum(finding.fix is not None for finding in findings if finding not in fixed)
    advice = f"; --fix repairs {fixable} of them" if fixable and not fixed else ""
    return f"{len(findings)} problems on {index.name}, {len(fixed)} fixed{advice}"
