#!/usr/bin/env python3
"""Releases made and checked with the program that people use. Argument: octofleet-tentacle."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)


class Release(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = pathlib.Path(self.folder.name)
        self.executable = self.at / "octofleet-tentacle"
        shutil.copy("/bin/true", self.executable)
        self.root = self.run_ok("release", "keygen", "root.key")
        self.signing = self.run_ok("release", "keygen", "signing.key")
        self.run_ok("release", "keys", "--root", "root.key", "--signing-key", self.signing)

    def run_program(self, *words):
        environment = {**os.environ, "TENTACLE_STATE_DIR": str(self.at / "state")}
        return subprocess.run([PROGRAM, *words], cwd=self.at, env=environment, capture_output=True, text=True)

    def run_ok(self, *words):
        done = self.run_program(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def sign(self, key="signing.key", *more):
        self.run_ok("release", "sign", "octofleet-tentacle", "--key", key, "--id", "2026.11.2", "--version", "12", *more)

    def verify(self):
        return self.run_program("release", "verify", "octofleet-tentacle", "--root", self.root)

    def test_good_release_is_good(self):
        self.sign()
        self.assertIn("2026.11.2, version 12", self.verify().stdout)

    def test_signatures_are_what_openssl_takes(self):
        self.sign()
        der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(self.signing)
        (self.at / "signing.der").write_bytes(der)
        (self.at / "text").write_bytes(b"octofleet release manifest v1\n" + (self.at / "manifest.json").read_bytes())
        (self.at / "raw").write_bytes(base64.b64decode((self.at / "manifest.json.sig").read_text()))
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
                               "signing.der", "-in", "text", "-sigfile", "raw"], cwd=self.at, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_changed_executable_is_not_the_manifests(self):
        self.sign()
        self.executable.write_bytes(self.executable.read_bytes() + b"x")
        self.assertIn("not what the manifest says", self.verify().stderr)

    def test_root_key_signs_no_manifest(self):
        self.sign("root.key")
        done = self.verify()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("signed_by_root", done.stderr)

    def test_key_is_never_overwritten(self):
        self.assertNotEqual(self.run_program("release", "keygen", "root.key").returncode, 0)

    def test_order_is_what_the_backend_takes(self):
        self.sign()
        body = json.loads(self.run_ok("release", "order", "--image", "4"))
        self.assertEqual(body["imageId"], "4")
        self.assertEqual(body["manifest"], (self.at / "manifest.json").read_text())
        self.assertEqual(set(body), {"imageId", "keys", "keysSignature", "manifest", "manifestSignature"})

    def test_host_is_laid_out_once(self):
        path = self.run_ok("release", "install", "octofleet-tentacle")
        self.assertTrue(path.startswith(str(self.at / "state/releases/current")), path)
        self.assertEqual(pathlib.Path(path).read_bytes(), self.executable.read_bytes())
        self.assertEqual(os.readlink(self.at / "state/releases/committed"), "a")
        self.assertIn("already", self.run_program("release", "install", "octofleet-tentacle").stderr)
        self.assertIn('"step":"idle"', self.run_ok("update-guard", "start"))
        self.assertIn('"step":"idle"', self.run_ok("update-guard", "watch"))


if __name__ == "__main__":
    unittest.main()
