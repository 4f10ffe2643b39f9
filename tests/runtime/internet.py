"""AWS's names on this machine: a proxy that opens TLS for every host, and leads it to who stands for it here.

So the function runs with the environment that was rendered for it, a client with the address that users have,
and both check certificates: those of an authority that exists for as long as the test.
"""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """Who says which key is whose. Its certificate lies in a file, for those who shall believe it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])
        own = self._begun(self.name, self.key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = dict.fromkeys(
            "digital_signature content_commitment key_encipherment data_encipherment key_agreement crl_sign"
            " encipher_only decipher_only".split(),
            False,
        )
        own = own.add_extension(x509.KeyUsage(key_cert_sign=True, **usage), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._signed(own).public_bytes(serialization.Encoding.PEM))
        self.context = cache(self._context)

    def _begun(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        begun = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key)
        begun = begun.serial_number(x509.random_serial_number())
        begun = begun.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return begun.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))

    def _signed(self, begun: x509.CertificateBuilder) -> x509.Certificate:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return begun.add_extension(identifier, critical=False).sign(self.key, hashes.SHA256())

    def _context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        leaf = self._begun(name, key.public_key()).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        file = self.folder / f"{host}.pem"
        file.write_bytes(private + self._signed(leaf).public_bytes(serialization.Encoding.PEM))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made


class Internet:
    """The proxy.

    Args:
        folder: where certificates go.
        port_of: the port on loopback of who stands for a host; None where nobody does.
    """

    def __init__(self, folder: Path, port_of: Callable[[str], int | None]) -> None:
        self.authority, self.port_of, self.seen = Authority(folder), port_of, list[str]()
        self.url = ""

    @property
    def world(self) -> dict[str, str]:
        """The environment of those who go through it."""
        file = str(self.authority.file)
        files = dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), file)
        return {"HTTPS_PROXY": self.url, "https_proxy": self.url, **files}

    @contextmanager
    def opened(self) -> Iterator["Internet"]:
        """Serve on a free port of loopback."""
        ThreadingTCPServer.allow_reuse_address = True
        with ThreadingTCPServer(("127.0.0.1", 0), type("Here", (_Door,), {"internet": self})) as server:
            server.daemon_threads, server.block_on_close = True, False
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()


class _Door(StreamRequestHandler):
    internet: Internet

    def handle(self) -> None:
        """One connection: CONNECT, then whatever is said in it."""
        method, _, rest = self.rfile.readline().decode("latin-1").partition(" ")
        while self.rfile.readline().strip():
            pass
        host = rest.split(" ")[0].rpartition(":")[0]
        port = self.internet.port_of(host) if method == "CONNECT" else None
        self.internet.seen.append(host)
        if port is None:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as there:
            here = self.internet.authority.context(host).wrap_socket(self.connection, server_side=True)
            _carry(here, there)


def _carry(here: ssl.SSLSocket, there: socket.socket) -> None:
    """Carry bytes both ways until one of the two has no more."""
    while True:
        ready = [here] if here.pending() else select.select([here, there], [], [], 120)[0]
        if not ready:
            return
        for source in ready:
            piece = source.recv(65_536)
            if not piece:
                return
            (there if source is here else here).sendall(piece)
