"""The variables that only the local server reads. docs/reference/configuration.md is generated from this table."""

LOCAL_SETTINGS = (  # name, default, allowed values, meaning
    (
        "PORT",
        "`8000`",
        "a number from 0 to 65535",
        "The port of the local server on 127.0.0.1. `0` uses any free port.",
    ),
    (
        "HOST",
        "`127.0.0.1`",
        "an IP address",
        "The address on which the local server listens. Other addresses have no TLS; put a reverse proxy in front.",
    ),
    (
        "ALLOWED_HOSTS",
        "none",
        "host names, separated by commas",
        "The host names that clients may use, in addition to localhost and HOST.",
    ),
    (
        "TRUSTED_PROXIES",
        "none",
        "IP addresses, separated by commas",
        "The reverse proxies whose X-Forwarded-For header contains the address of the client.",
    ),
    ("ADMIN_PASSWORD", "a random password, printed", "a password", "The password of the account `admin`."),
    (
        "REGISTRY",
        "none",
        "`1`, or a port",
        "Also starts a registry (Debian's docker-registry) that uses this index, and stops it on exit.",
    ),
    ("DATA", "none", "a path", "The file that stores all data. Without it, all data is lost when the server stops."),
)
