#!/usr/bin/env python3
"""Asks ringmq for an event every half second and prints what it gets.

    python3 examples/consumer.py [--url URL] [--interval SECONDS] [--count N]

RINGMQ_URL and RINGMQ_INTERVAL set the same. While the queue is empty or the server is away it
says so once and keeps asking. An event is gone from the queue when it is handed over: if this
program is killed before it has printed the event, nobody sees it. Ctrl-C ends the program. Needs
nothing but Python's standard library.
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

EMPTY = "cannot dequeue from an empty buffer"

last_line = None


def say(line, repeat=False):
    """Prints the line, unless it would only repeat the one before."""
    global last_line
    if repeat or line != last_line:
        print(line, flush=True)
    last_line = line


def receive(url):
    """Takes one event and prints it; true if there was one."""
    try:
        try:
            with urllib.request.urlopen(url + "/dequeue", timeout=5) as answer:
                event = json.load(answer)["event"]
        except urllib.error.HTTPError as refusal:
            reason = refusal.read().decode().strip()
            if reason != EMPTY:
                sys.exit(f"{url} answered {refusal.code}: {reason}")
            say("the queue is empty, waiting")
            return False
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{url} is not a ringmq server: {error}")
    except (OSError, http.client.HTTPException) as error:
        say(f"cannot reach {url} ({getattr(error, 'reason', error)}), trying again")
        return False
    say(f"received {event}", repeat=True)
    return True


def seconds(text):
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(description="Asks ringmq for an event every half second.")
    parser.add_argument(
        "--url",
        default=os.environ.get("RINGMQ_URL", "http://127.0.0.1:8080"),
        help="where ringmq listens (RINGMQ_URL, default http://127.0.0.1:8080)",
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=os.environ.get("RINGMQ_INTERVAL", "0.5"),
        help="seconds between two questions (RINGMQ_INTERVAL, default 0.5)",
    )
    parser.add_argument("--count", type=int, help="end after so many events")
    args = parser.parse_args()
    # A shell that starts a program in the background lets it ignore this signal; this one ends by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    received = 0
    try:
        while received != args.count:
            received += receive(args.url.rstrip("/"))
            if received != args.count:
                time.sleep(args.interval)
    except KeyboardInterrupt:
        pass
    say(f"stopped after {received} events")


if __name__ == "__main__":
    main()
