"""Named checks and what the scripts in Python share: the server, MD5 as SQS has it, waiting."""

import hashlib
import itertools
import os
import struct
import sys
import time
import traceback

ENDPOINT = os.environ["SQS_ENDPOINT"]

_checks = []
_numbers = itertools.count(1)


def check(function):
    """Registers a check; its name says what is true where it passes."""
    _checks.append(function)
    return function


def run():
    """Runs the checks, or those whose names contain an argument, and ends the script."""
    chosen = [c for c in _checks if not sys.argv[1:] or any(a in c.__name__ for a in sys.argv[1:])]
    failed = 0
    for one in chosen:
        began = time.monotonic()
        try:
            one()
        except Exception:
            failed += 1
            trace = traceback.format_exc()
            print(f"FAILED {one.__name__}\n{trace}", flush=True)
        else:
            print(f"ok {one.__name__} ({time.monotonic() - began:.2f} s)", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not chosen else 0)


def unique(stem, suffix=""):
    """The name of a queue that no other check uses, of this script or another."""
    return f"{stem}-{os.getpid()}-{next(_numbers)}{suffix}"


def equal(left, right):
    assert left == right, f"{left!r} != {right!r}"


def eventually(condition, seconds=10):
    """Asks again until the condition holds, where the service has no way to wait for it."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return result


def md5_of_body(body):
    return hashlib.md5(body.encode()).hexdigest()


def md5_of_attributes(attributes):
    """The digest of message attributes as the SDKs compute it."""
    digest = hashlib.md5()

    def part(data):
        digest.update(struct.pack(">I", len(data)) + data)

    for name, value in sorted(attributes.items()):
        part(name.encode())
        part(value["DataType"].encode())
        binary = value["DataType"].startswith("Binary")
        digest.update(b"\x02" if binary else b"\x01")
        part(value["BinaryValue"] if binary else value["StringValue"].encode())
    return digest.hexdigest()
