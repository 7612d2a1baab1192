#!/usr/bin/env python3
"""Writes tests/data/corpus/update: releases signed by keys that everybody knows (seeds of one octet repeated)."""

import base64
import json
import pathlib
import subprocess
import tempfile

OUT = pathlib.Path(__file__).resolve().parents[1] / "data/corpus/update"
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Key:
    def __init__(self, folder, octet):
        self.path = f"{folder}/{octet}.der"
        pathlib.Path(self.path).write_bytes(PKCS8 + bytes([octet]) * 32)
        public = openssl("pkey", "-inform", "DER", "-in", self.path, "-pubout", "-outform", "DER")
        self.public = base64.b64encode(public[-32:]).decode()

    def sign(self, kind, text):
        with tempfile.NamedTemporaryFile() as message:
            message.write(f"octofleet release {kind} v1\n{text}".encode())
            message.flush()
            raw = openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", self.path, "-in", message.name)
        return base64.b64encode(raw).decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root, signing = Key(folder, 1), Key(folder, 2)
        keys = compact({"product": "octofleet-tentacle", "signingKeys": [signing.public],
                        "created": "2027-01-01T00:00:00Z", "expires": "2028-01-01T00:00:00Z"})
        fields = {"product": "octofleet-tentacle", "releaseId": "2027.1.1", "version": 12, "arch": "x86_64",
                  "sizeBytes": 1000, "sha256": "a" * 64,
                  "created": "2027-01-10T00:00:00Z", "expires": "2027-02-01T00:00:00Z"}
        manifest = compact(fields)
        older = compact({**fields, "version": 10, "allowDowngrade": True})
        lines = {
            "good": (keys, root.sign("keys", keys), manifest, signing.sign("manifest", manifest)),
            "downgrade": (keys, root.sign("keys", keys), older, signing.sign("manifest", older)),
        }
        for name, texts in lines.items():
            (OUT / name).write_text("\n".join(texts))
        print("root key", root.public)


if __name__ == "__main__":
    main()
