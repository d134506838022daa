"""What the scripts of this directory share: servers on one core, rounds that interleave them, and what
the kernel counted meanwhile.
"""

import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVER_CORE, LOAD_CORE = "0", "1"
GET = b"GET /dequeue HTTP/1.1\r\nHost: bench\r\n\r\n"


class Server:
    """One server process pinned to its core, from start to end of a `with` block."""

    def __init__(self, command, pin=True, env=None):
        self.port = free_port()
        command = [str(part).replace("PORT", str(self.port)) for part in command]
        pinned = ["taskset", "-c", SERVER_CORE] if pin else []
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            pinned + command, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    def __enter__(self):
        try:
            self.first_answer_s = self._wait_for_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _wait_for_answer(self):
        deadline = self.started + 10
        while time.perf_counter() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                with self.connect() as connection:
                    connection.sendall(GET)
                    connection.recv(65536)
                    return time.perf_counter() - self.started
        raise SystemExit(f"{self.process.args} does not answer")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, request):
        """One request on a connection of its own; returns the status and the body."""
        with self.connect() as connection:
            connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def cpu_ns(self):
        return sum(self.cpu_ns_by_thread().values())

    def cpu_ns_by_thread(self):
        return {thread.name: int((thread / "schedstat").read_text().split()[0])
                for thread in Path(f"/proc/{self.process.pid}/task").iterdir()}

    def wakes(self):
        """How often its threads were woken after waiting for something."""
        total = 0
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            status = (thread / "status").read_text()
            total += next(int(line.split()[1]) for line in status.splitlines()
                          if line.startswith("voluntary_ctxt_switches"))
        return total

    def resident_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands(target):
    """How each server is started."""
    return {
        "unit": [target / "ringmq-bare", "PORT"],
        "ringmq": [target / "ringmq", "--port", "PORT", "--workers", "1", "--log", "error"],
    }


def busy_s():
    """CPU time of everything but our own children on the two cores, in seconds."""
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        if line.split()[0] in ("cpu" + SERVER_CORE, "cpu" + LOAD_CORE):
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
            total += user + nice + system + irq + softirq + steal
    children = os.times()
    return (total / os.sysconf("SC_CLK_TCK")
            - children.children_user - children.children_system)


def in_turn(running, options, measure):
    """One round: short slices of load on each server in turn, there and back (A B B A).

    A machine's speed drifts within seconds; so cut, both servers see the same of it.
    """
    names = list(running)
    slices = {name: [] for name in names}
    for name in names * options.slices + (names * options.slices)[::-1]:
        slices[name].append(measure(name, running[name]))
    return {name: {key: statistics.median(one[key] for one in runs) for key in runs[0]}
            for name, runs in slices.items()}


def rounds(commands, options, prepare, measure):
    """Rounds of fresh processes, the first one changing; a list of results for each server."""
    results = {name: [] for name in commands}
    for number in range(options.rounds):
        with contextlib.ExitStack() as stack:
            order = list(commands)[:: 1 if number % 2 else -1]
            running = {name: stack.enter_context(Server(commands[name])) for name in order}
            for name, server in running.items():
                prepare(name, server)
            for name, result in in_turn(running, options, measure).items():
                results[name].append(result)
    return results


def print_machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").open()
                  if line.startswith("model name")), platform.machine())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, {rustc}")
    print(f"servers on core {SERVER_CORE}, load on core {LOAD_CORE}")


def build(*packages):
    """Builds the binaries; returns where they are."""
    packages = [word for package in packages for word in ("-p", package)]
    subprocess.run(["cargo", "build", "--release", "--locked", *packages], cwd=ROOT, check=True)
    metadata = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"],
                              cwd=ROOT, check=True, capture_output=True)
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release"


def refuse_without(**tools):
    """Ends the program where something it needs is missing: a tool and the command that installs it."""
    if platform.system() != "Linux":
        raise SystemExit("needs Linux: the figures come from /proc")
    for tool, install in tools.items():
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing: {install}")
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise SystemExit(f"server and load need a core each: {SERVER_CORE} and {LOAD_CORE}")


def end_by_sigterm():
    """Lets SIGTERM end the program as Ctrl-C does, and its servers with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
