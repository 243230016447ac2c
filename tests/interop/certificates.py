# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates and keys for one run, made by the openssl command."""

import base64
import pathlib
import secrets
import subprocess
import tempfile

CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = libciba interop
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
"""

# How the private key of an algorithm is made.
KEYS = {
    "RS256": ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "PS256": ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "ES256": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "EdDSA": ("genpkey", "-algorithm", "ED25519"),
}

# How the openssl command signs with it, once the file with what is signed is at the end.
SIGN = {
    "RS256": ("dgst", "-sha256", "-sign"),
    "PS256": ("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1", "-sign"),
    "ES256": ("dgst", "-sha256", "-sign"),
    "EdDSA": ("pkeyutl", "-sign", "-rawin", "-inkey"),
}


def of_der(der):
    """An ES256 signature as JWS has it: r and s of 32 bytes each, of the DER that openssl gives."""
    r = der[4 : 4 + der[3]]
    s = der[6 + der[3] :]
    return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (r, s))


class Certificates:
    """An authority in a folder, and what it signs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path("openssl.cnf").write_text(CONFIGURATION)
        self.ca_file = self.path("ca.pem")
        self.key("ca", "ES256")
        self.openssl(
            "req", "-config", "openssl.cnf", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", "2", "-set_serial",
            self.serial(), "-subj", "/CN=libciba interop authority", "-extensions", "authority", "-out", "ca.pem",
        )  # fmt: skip

    def path(self, name):
        return self.folder / name

    def openssl(self, *words):
        done = subprocess.run(
            ["openssl", *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            raise OSError(f"openssl {words[0]}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def serial(self):
        return f"0x01{secrets.token_hex(15)}"

    def key(self, name, alg):
        """The file of a new private key."""
        self.openssl(*KEYS[alg], "-out", f"{name}.key")
        return self.path(f"{name}.key")

    def certificate(self, name, kind, common_name, alg="ES256"):
        """The files of a new certificate and of its key."""
        key = self.key(name, alg)
        subject = ("-config", "openssl.cnf", "-new", "-key", key.name, "-subj", f"/CN={common_name}")
        self.openssl("req", *subject, "-out", f"{name}.csr")
        self.openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", self.serial(),
            "-sha256", "-days", "2", "-extfile", "openssl.cnf", "-extensions", kind, "-out", f"{name}.pem",
        )  # fmt: skip
        return self.path(f"{name}.pem"), key

    def self_signed(self, name, kind, common_name):
        """The same, signed by itself."""
        key = self.key(name, "ES256")
        self.openssl(
            "req", "-config", "openssl.cnf", "-x509", "-new", "-key", key.name, "-sha256", "-days", "2", "-set_serial",
            self.serial(), "-subj", f"/CN={common_name}", "-extensions", kind, "-out", f"{name}.pem",
        )  # fmt: skip
        return self.path(f"{name}.pem"), key

    def sign(self, key, alg, octets):
        """The signature of a private key, as JWS has it."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(octets)
            file.flush()
            given = ("-in", file.name) if alg == "EdDSA" else (file.name,)
            made = self.openssl(*SIGN[alg], key.name, *given)
        return of_der(made) if alg == "ES256" else made

    def der(self, certificate):
        """A certificate as `x5c` has it."""
        return base64.b64encode(self.openssl("x509", "-in", certificate.name, "-outform", "DER")).decode()

    def jwk(self, key, alg, kid):
        """The public key as a JWK."""
        der = self.openssl("pkey", "-in", key.name, "-pubout", "-outform", "DER")
        b64 = lambda octets: base64.urlsafe_b64encode(octets).decode().rstrip("=")  # noqa: E731
        members = {"kid": kid, "alg": alg, "use": "sig"}
        if alg == "ES256":
            return {**members, "kty": "EC", "crv": "P-256", "x": b64(der[-64:-32]), "y": b64(der[-32:])}
        if alg == "EdDSA":
            return {**members, "kty": "OKP", "crv": "Ed25519", "x": b64(der[-32:])}
        modulus = self.openssl("rsa", "-in", key.name, "-noout", "-modulus").decode().strip().split("=")[1]
        return {**members, "kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
