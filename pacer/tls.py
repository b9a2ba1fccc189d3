"""Make the TLS context of https, from the standard library."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """Which certificates are trusted, and for which name of a host."""

    host: str  # sent as the server's name, and looked for in its certificate
    ca_file: str | None = None  # None: the certificate authorities of the system
    insecure: bool = False  # any certificate will do

    def context(self) -> ssl.SSLContext:
        """Return a context of a client that speaks HTTP/1.1.

        Raises OSError if the file with certificate authorities cannot be read or has none.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
