"""The price list in US dollars, for us-east-1, on demand, without free tiers. Other regions cost up to 50 % more.

The prices are from the public price pages of AWS in late 2025. After a change, update docs/development/cost.md.
"""

from msgspec import Struct

WARM_SECONDS = 0.012  # of a request without bcrypt, with 1 GB: an assumption; `waybill logs` shows the real time
BCRYPT_SECONDS = 0.45  # for cost 12 with 1 GB, which is 0.58 of a core: an assumption too
GIGABYTES = 1.0  # the memory of the function
LOG_LINE_BYTES = 26  # that CloudWatch adds to each line
HEADER_BYTES = 600  # of a response
STORED_GIGABYTE = 0.25 + 0.20  # per month, in a table with point-in-time recovery


class Price(Struct, frozen=True):
    """The price of a million units."""

    name: str
    per_million: float


API_GATEWAY = Price("API Gateway, a request to an HTTP API", 1.00)
TRANSFER_BYTE = Price("Data transfer, a byte to the client", 0.09 / 1e3)
LAMBDA = Price("Lambda, a request", 0.20)
LAMBDA_SECOND = Price("Lambda, a GB-second on arm64", 13.3334)
READ = Price("DynamoDB, a read unit", 0.125)
WRITE = Price("DynamoDB, a write unit", 0.625)
MAC = Price("KMS, a request", 3.00)
LOG_BYTE = Price("CloudWatch, a byte of log", 0.50 / 1e3)
PRICES = (API_GATEWAY, TRANSFER_BYTE, LAMBDA, LAMBDA_SECOND, READ, WRITE, MAC, LOG_BYTE)

KEY_PER_MONTH = 1.00  # the signing key; with registries there are two keys
ALARM_PER_MONTH = 0.10
DASHBOARD_PER_MONTH = 3.00  # optional, and the first three dashboards are free
