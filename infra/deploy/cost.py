"""The cost of a deployment in US dollars in us-east-1, for the plan that `waybill deploy` shows.

docs/development/cost.md explains the numbers. A test compares them with the cost model.
"""

from collections.abc import Mapping

KEY_PER_MONTH = 1.00
ALARM_PER_MONTH = 0.10
ALARMS = 4
DASHBOARD_PER_MONTH = 3.00
REGISTRY_CHECKS_PER_MILLION = 2.65  # at most
FIRST_LOGINS_PER_MILLION = 9.00  # at most; bcrypt is the largest part


def describe_cost(values: Mapping[str, str], *, has_token_key: bool) -> str:
    """Return a sentence for people. `values` are the values of the options."""
    dashboard = DASHBOARD_PER_MONTH if values.get("Dashboard") == "on" else 0.0
    standing = KEY_PER_MONTH * (2 if has_token_key else 1) + ALARM_PER_MONTH * ALARMS + dashboard
    return (
        f"Cost: about ${standing:.2f} a month without requests, and up to ${REGISTRY_CHECKS_PER_MILLION:.2f} "
        f"per million registry checks and ${FIRST_LOGINS_PER_MILLION:.2f} per million first logins"
    )
