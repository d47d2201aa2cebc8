# SPDX-License-Identifier: BSD-2-Clause
"""A certification authority with one between, made by openssl, and what it
gives to people: PKCS#12 files."""
import base64
import subprocess

from .util import run, write

PASSWORD = "a pass word"


class Authority:
    def __init__(self, folder):
        self.folder = folder / "ca"
        self.folder.mkdir()
        self.count = 0
        write(self.folder / "password", PASSWORD + "\n", 0o600)
        self._authority("root", None)
        self._authority("between", "root")
        self.root = self.folder / "root.pem"

    @property
    def password_file(self):
        return self.folder / "password"

    def _sign(self, name, issuer, extensions, days=100):
        f = self.folder
        write(f / f"{name}.ext", extensions)
        by = ["-signkey", f / f"{name}.key"] if issuer is None else [
            "-CA", f / f"{issuer}.pem", "-CAkey", f / f"{issuer}.key"]
        self.count += 1
        run(["openssl", "x509", "-req", "-in", f / f"{name}.csr", "-out",
             f / f"{name}.pem", "-days", str(days), "-extfile",
             f / f"{name}.ext", "-set_serial", str(self.count), *by])

    def _request(self, name, subject, key):
        f = self.folder
        more = ["-pkeyopt", "rsa_keygen_bits:2048"] if key == "RSA" else [
            "-pkeyopt", "ec_paramgen_curve:P-256"]
        run(["openssl", "genpkey", "-algorithm", key, "-out",
             f / f"{name}.key", *more])
        run(["openssl", "req", "-new", "-key", f / f"{name}.key", "-subj",
             subject, "-out", f / f"{name}.csr"])

    def _authority(self, name, issuer):
        self._request(name, f"/CN=Test {name}", "EC")
        self._sign(name, issuer, "basicConstraints=critical,CA:TRUE\n"
                   "keyUsage=critical,keyCertSign\n")

    def give(self, name, *addresses, key="RSA", days=90,
             usage="emailProtection", more=()):
        """A PKCS#12 file for these addresses; more: words of openssl."""
        f = self.folder
        self._request(name, f"/O=Shop/CN={name}", key)
        names = ",".join(f"email:{a}" for a in addresses)
        self._sign(name, "between", f"subjectAltName={names}\n"
                   "keyUsage=critical,digitalSignature\n"
                   f"extendedKeyUsage={usage}\n", days)
        run(["openssl", "pkcs12", "-export", "-inkey", f / f"{name}.key",
             "-in", f / f"{name}.pem", "-certfile", f / "between.pem",
             "-out", f / f"{name}.p12", "-passout",
             f"file:{self.password_file}", *more])
        return f / f"{name}.p12"

    def verify(self, data):
        """What is signed in this message, by the root alone; fails."""
        path = self.folder / "message"
        path.write_bytes(data)
        done = subprocess.run(
            ["openssl", "cms", "-verify", "-in", path, "-CAfile", self.root,
             "-out", self.folder / "content"], capture_output=True)
        assert done.returncode == 0, (done.stderr, data)
        self.verify_octets(data)
        return (self.folder / "content").read_bytes()

    def verify_octets(self, data):
        """Without openssl's own idea of line ends."""
        head, _, _ = data.partition(b"\r\n\r\n")
        boundary = head.partition(b'boundary="')[2].partition(b'"')[0]
        _, entity, signature, end = data.split(b"\r\n--" + boundary)
        assert end.startswith(b"--")
        entity = entity[2:]
        write_to = self.folder / "entity"
        write_to.write_bytes(entity)
        der = base64.b64decode(signature.partition(b"\r\n\r\n")[2])
        (self.folder / "signature.der").write_bytes(der)
        done = subprocess.run(
            ["openssl", "cms", "-verify", "-binary", "-inform", "DER",
             "-in", self.folder / "signature.der", "-content", write_to,
             "-CAfile", self.root, "-out", "/dev/null"],
            capture_output=True)
        assert done.returncode == 0, (done.stderr, data)
        return entity
