"""The price list, in US dollars: us-east-1, on demand, without free tiers. Other regions cost up to a half more.

From AWS's public price pages as of late 2025; what changes there is changed here, and the page is made anew.
"""

from dataclasses import dataclass

SECONDS_WARM = 0.012  # what a request takes besides bcrypt, at 1 GB: an assumption to measure with `make logs`
SECONDS_BCRYPT = 0.45  # cost 12 at 1 GB, 0.58 of a core: an assumption too
GIGABYTES = 1.0  # the function's memory
LOG_EVENT_BYTES = 26  # what CloudWatch adds to each line that it takes
HEADER_BYTES = 600  # what a reply has besides its body
STORED_GIGABYTE = 0.25 + 0.20  # a month in a table, with point-in-time recovery


@dataclass(frozen=True, slots=True)
class Price:
    """What a million of something costs."""

    name: str
    per_million: float


GATEWAY = Price("API Gateway, a REST request", 3.50)
FRONT = Price("CloudFront, an HTTPS request and its function", 1.00 + 0.10)
OUT = Price("CloudFront, a byte to the viewer", 0.085 / 1e3)
LAMBDA = Price("Lambda, a request", 0.20)
SECOND = Price("Lambda, a GB-second on arm64", 13.3334)
READ = Price("DynamoDB, a read unit", 0.125)
WRITE = Price("DynamoDB, a write unit", 0.625)
MAC = Price("KMS, a request", 3.00)
LOG = Price("CloudWatch, a byte of log", 0.50 / 1e3)
PRICES = (GATEWAY, FRONT, OUT, LAMBDA, SECOND, READ, WRITE, MAC, LOG)

KEY_A_MONTH = 1.00
ALARM_A_MONTH = 0.10
METRICS_A_MONTH = 4 * 0.30  # the journal's, if there is something to count in every hour
DASHBOARD_A_MONTH = 3.00  # the first three are free
