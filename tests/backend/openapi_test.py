#!/usr/bin/env python3
"""The OpenAPI document lists the routes that the backend has, and no others."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
API = ROOT / "backend/api"
ROLES = {"Anyone": {"anyone", "own proof"}, "Viewer": {"viewer"}, "Operator": {"operator"}, "Admin": {"admin"},
         "Tentacle": {"tentacle"}, "OperatorOrCallback": {"operator or callback"}}


def routes():
    """(method, path) -> who may call."""
    found = {}
    for source in API.glob("*.cc"):
        text = source.read_text()
        names = dict(re.findall(r'const std::string (\w+) = "([^"]+)"', text))
        loops = dict(re.findall(r'for \(const char\* (\w+) : \{([^}]*)\}', text))
        for method, expression, access in re.findall(
                r'router_\.Add\("(\w+)",\s*([^,]+),\s*Access::k(\w+)', text):
            if expression in loops:
                found |= {(method, path): access for path in re.findall(r'"([^"]+)"', loops[expression])}
                continue
            parts = [names.get(part.strip(), part.strip().strip('"')) for part in expression.split("+")]
            found[method, "".join(parts)] = access
    return found


class OpenApi(unittest.TestCase):
    def setUp(self):
        self.document = json.loads((API / "openapi.json").read_text())

    def test_lists_the_routes_that_are_there(self):
        listed = {(method.upper(), path) for path, operations in self.document["paths"].items()
                  for method in operations}
        self.assertEqual(listed, set(routes()))
        self.assertGreater(len(listed), 30)

    def test_every_operation_says_who_may_call_and_what_is_answered(self):
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                with self.subTest(path=path, method=method):
                    self.assertIn("security", operation)
                    self.assertIn(operation["x-role"], ROLES[routes()[method.upper(), path]])
                    self.assertTrue(operation["responses"])
                    named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
                    self.assertEqual(named, set(re.findall(r"\{(\w+)\}", path)))

    def test_operation_ids_are_unique(self):
        ids = [o["operationId"] for operations in self.document["paths"].values() for o in operations.values()]
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main()
