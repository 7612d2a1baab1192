#!/usr/bin/env python3
"""Starts a program and notes how long each of its doors takes to open.

    time_to_ready.py RESULT DOOR... -- COMMAND...

The process itself becomes COMMAND, so that whoever started it holds the program's own process; a child of
nobody watches the doors. A door is http:PORT (GET /readyz on loopback answers 200) or unix:PATH (the socket
accepts). RESULT becomes a file with a line "DOOR MILLISECONDS" for each door, in the order given, once all are
open; without it after 60 s, some door never opened.
"""

import os
import socket
import sys
import time

PATIENCE_S = 60.0
PAUSE_S = 0.002  # Five doors asked every 2 ms cost a fraction of what the start itself does.


def http_ready(port):
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(64).split(b" ")[1:2] == [b"200"]


def unix_accepts(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(path)
        return True


def is_open(door):
    kind, _, where = door.partition(":")
    try:
        return http_ready(int(where)) if kind == "http" else unix_accepts(where)
    except OSError:
        return False


def watch(started, doors, result):
    opened = {}
    while len(opened) < len(doors):
        if time.monotonic() - started > PATIENCE_S:
            return
        for door in doors:
            if door not in opened and is_open(door):
                opened[door] = time.monotonic() - started
        time.sleep(PAUSE_S)
    with open(result + ".part", "w", encoding="ascii") as file:
        file.writelines(f"{door} {opened[door] * 1000:.0f}\n" for door in doors)
    os.rename(result + ".part", result)


def main():
    if "--" not in sys.argv[3:]:
        sys.exit(__doc__)
    split = sys.argv.index("--", 3)
    result, doors, command = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    started = time.monotonic()
    # Forked twice: the program must not find a child that it never started.
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            watch(started, doors, result)
        os._exit(0)
    os.waitpid(middle, 0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
