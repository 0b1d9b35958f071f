"""HTTP in, HTTP out. A route parses, calls one domain function and shapes the reply; nothing here knows Chalice."""
