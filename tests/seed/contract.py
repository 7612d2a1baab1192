"""What a backend that knows the product specification alone takes from a tentacle.

The four messages, with the fields that the specification prints. Beside them may stand what docs/protocol.md
section 3 marks as optional (¹), and messages of the types that it marks as beyond the specification (²): both
are read from the document, so that nothing goes over the wire that is not written there.
"""

import os
import re

PROTOCOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/protocol.md")
MESSAGES = {
    "status": {"online": bool, "tasks": list},
    "task.status": {"taskId": str, "status": str},
    "boot.detected": {"mac": str},
    "image.cached": {"imageId": str, "size": int},
}
STATUSES = {"waiting", "booting", "installing", "complete", "failed", "cancelled"}
_ROW = re.compile(r"\| (?:up|both) \| (`[\w.]+`²?(?:, `[\w.]+`²?)*) \| (.*) \|")
_NAME = re.compile(r"`([\w.]+)`(²?)")
_OPTIONAL = re.compile(r"`(\w+)`¹")


class Contract:
    """Judges messages of a tentacle."""

    def __init__(self, path=PROTOCOL):
        self._optional = {}
        self._beyond = set()
        with open(path, encoding="utf-8") as file:
            for row in filter(None, map(_ROW.fullmatch, map(str.strip, file))):
                for name, beyond in _NAME.findall(row[1]):
                    if beyond:
                        self._beyond.add(name)
                    else:
                        self._optional[name] = set(_OPTIONAL.findall(row[2]))
        if set(self._optional) != set(MESSAGES):
            raise ValueError(f"{path}: the messages of the specification are {sorted(self._optional)}")

    def fault(self, message):
        """What is wrong with a message, or None."""
        kind = message.get("type")
        if kind in self._beyond:
            return None
        if kind not in MESSAGES:
            return f"the type {kind!r} is in no document"
        required = MESSAGES[kind]
        for name, wanted in required.items():
            # In Python a bool is an int.
            if type(message.get(name)) is not wanted:
                return f"{kind}: {name} is {message.get(name)!r}"
        further = set(message) - set(required) - self._optional[kind] - {"type", "id"}
        if further:
            return f"{kind}: fields that are in no document: {sorted(further)}"
        return _value_fault(kind, message)


def _value_fault(kind, message):
    if kind == "task.status" and message["status"] not in STATUSES:
        return f"task.status: status is {message['status']!r}"
    if kind == "image.cached" and message["size"] <= 0:
        return "image.cached: size is not positive"
    for task in message["tasks"] if kind == "status" else []:
        if set(task) != {"taskId", "status"} or task["status"] not in STATUSES:
            return f"status: a task is {task!r}"
    return None
