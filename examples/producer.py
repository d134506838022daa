#!/usr/bin/env python3
"""Sends one numbered event a second to ringmq.

    python3 examples/producer.py [--url URL] [--interval SECONDS] [--count N]

RINGMQ_URL and RINGMQ_INTERVAL set the same. An event is sent again until the server says that it
has it, so neither a full queue nor a restart of the server leaves a gap in the numbers. Should
the connection break after the server took an event and before it said so, that event comes
twice. Ctrl-C ends the program. Needs nothing but Python's standard library.
"""

import argparse
import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

FULL = "cannot enqueue to a full buffer"

last_line = None


def say(line):
    """Prints the line, unless it would only repeat the one before."""
    global last_line
    if line != last_line:
        print(line, flush=True)
    last_line = line


def send(url, event):
    """Sends the event; true once the server has it, false when it must be tried again."""
    body = json.dumps({"event": event}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url + "/enqueue", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                answer.read()
        except urllib.error.HTTPError as refusal:
            reason = refusal.read().decode().strip()
            if reason != FULL:
                sys.exit(f"{url} answered {refusal.code}: {reason}")
            say(f"the queue is full, trying {event} again")
            return False
    except ValueError as error:
        sys.exit(f"{url} is not a ringmq server: {error}")
    except (OSError, http.client.HTTPException) as error:
        say(f"cannot reach {url} ({getattr(error, 'reason', error)}), trying {event} again")
        return False
    say(f"sent {event}")
    return True


def seconds(text):
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(description="Sends one numbered event a second to ringmq.")
    parser.add_argument(
        "--url",
        default=os.environ.get("RINGMQ_URL", "http://127.0.0.1:8080"),
        help="where ringmq listens (RINGMQ_URL, default http://127.0.0.1:8080)",
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=os.environ.get("RINGMQ_INTERVAL", "1"),
        help="seconds between two events (RINGMQ_INTERVAL, default 1)",
    )
    parser.add_argument("--count", type=int, help="end after so many events")
    args = parser.parse_args()
    # A shell that starts a program in the background lets it ignore this signal; this one ends by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    sent = 0
    try:
        while sent != args.count:
            if send(args.url.rstrip("/"), f"Event {sent + 1}"):
                sent += 1
            if sent != args.count:
                time.sleep(args.interval)
    except KeyboardInterrupt:
        pass
    say(f"stopped after {sent} events")


if __name__ == "__main__":
    main()
