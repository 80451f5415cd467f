#!/opt/daypass/bin/python
"""Ask the portal of this container whether it is alive; exit with 1 if it does not answer."""

import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address

from daypass.portal.commands.common import read_configuration
from daypass.portal.config.variables import ConfigError

_TIMEOUT = 4.0


def main() -> int:
    """Return 0 if the portal answers its liveness probe with 200, else 1, with the reason on stderr."""
    try:
        status = _liveness()
    except (ConfigError, OSError, HTTPException) as error:
        sys.stderr.write(f"daypass-healthcheck: {error}\n")
        return 1
    if status != 200:
        sys.stderr.write(f"daypass-healthcheck: the portal answered {status}.\n")
        return 1
    return 0


def _liveness() -> int:
    config = read_configuration()
    address = ip_address(config.host)
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    connection: HTTPConnection
    if config.serves_tls:
        # The certificate has the portal's public name, not this address.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = HTTPSConnection(str(address), config.port, timeout=_TIMEOUT, context=context)
    else:
        connection = HTTPConnection(str(address), config.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
