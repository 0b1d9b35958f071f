"""The networks by which clients are counted."""

from ipaddress import IPv6Address, ip_address


def networks_of(client_ip: str) -> tuple[str, ...]:
    """Return the networks of a client, the smallest first.

    An IPv4 address is its own network. An IPv6 address belongs to a /64 and a /48, because a provider assigns at least
    a /64 to each customer, and often a /48. Text that is not an IP address is returned as it is.
    """
    try:
        address = ip_address(client_ip)
    except ValueError:
        return (client_ip,)
    if not isinstance(address, IPv6Address):
        return (str(address),)
    if address.ipv4_mapped is not None:
        return (str(address.ipv4_mapped),)
    return tuple(f"{IPv6Address(int(address) >> (128 - bits) << (128 - bits))}/{bits}" for bits in (64, 48))
