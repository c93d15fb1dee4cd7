"""The network that a client is known by, where clients are counted."""

from __future__ import annotations

import ipaddress


def client_network(address: str) -> str:
    """The address of a client; of IPv6 the network of 64 bits, which one household has."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if known.version == 6:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return address
