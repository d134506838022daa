#!/usr/bin/env python3
"""Watches a server as its operators would: asks for its metrics every second and, if told so, keeps the
dashboard's stream of events open. Ends when it is killed or the server has gone.

    watch.py PORT [ui]
"""

import socket
import sys
import threading
import time

PORT = int(sys.argv[1])


def get(path, accept):
    connection = socket.create_connection(("127.0.0.1", PORT), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: watch\r\nAccept: {accept}\r\n"
                       "Connection: close\r\n\r\n".encode())
    return connection


def drain(connection):
    """Reads until the server ends it. Returns how many bytes there were."""
    count = 0
    with connection:
        while chunk := connection.recv(1 << 16):
            count += len(chunk)
    return count


def main():
    if "ui" in sys.argv[2:]:
        stream = get("/ui/events", "text/event-stream")
        stream.settimeout(None)
        threading.Thread(target=drain, args=[stream], daemon=True).start()
    print("watching", flush=True)
    while True:
        began = time.monotonic()
        try:
            drain(get("/metrics", "application/openmetrics-text"))
        except OSError:
            return
        time.sleep(max(0, 1 - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
