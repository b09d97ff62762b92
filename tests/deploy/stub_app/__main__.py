"""A stand-in for board_app: the same commands, no imports beyond the standard library.

Files in the overlay's folder make it misbehave: `slow-selftest`, `hangs-selftest`,
`fails-selftest`, `fails-doctor`, `hangs-doctor`, `fails-serve`; `slow-network` makes the demo
take seconds for a picture, as a simulated chip does; `notes-demo` makes the self-test
and the doctor say how many demos run beside it; with `slow-stop` the demo takes two seconds to end,
as one that finishes what is in work.
"""

import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path

_APP = Path(__file__).resolve().parent


class _Handler(http.server.BaseHTTPRequestHandler):
    seconds = 0  # for a picture

    def do_GET(self) -> None:
        time.sleep(self.seconds * (self.path == "/healthz"))
        pages = {"/healthz": "ok", "/version": (_APP / "version.txt").read_text()}
        text = pages.get(self.path, "").encode()
        self.send_response(200 if text else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: object) -> None:
        pass


def main() -> int:
    command, *rest = (argument for argument in sys.argv[1:] if argument != "--quick")
    if "--" in rest:  # those of the page
        rest = rest[rest.index("--") + 1 :]
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    overlay = _APP.parent / "overlays" / options["--overlay"]
    if (overlay / "notes-demo").exists() and command in ("selftest", "doctor"):
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
        port = Path("../demo").read_text().split()[3].encode()
        beside = [line for line in lines if b"\0demo\0" in line and port in line]
        print(f"demos beside it: {len(beside)}")
    if command == "demo" and not (_APP / "service").exists():
        print("error: invalid choice: 'demo'")  # as the releases before it said
        return 2
    if command == "doctor":
        print("ok       stub", flush=True)
        if (overlay / "hangs-doctor").exists():
            time.sleep(100)
        broken = (overlay / "fails-doctor").exists()
        Path(options["--json"]).write_text(json.dumps({"faults": int(broken), "by": os.getpid()}))
        return int(broken)
    if command == "selftest":
        if (overlay / "slow-selftest").exists():
            time.sleep(1)
        if (overlay / "hangs-selftest").exists():
            time.sleep(100)
        broken = (overlay / "fails-selftest").exists()
        setting = os.environ.get("BOARD_SETTING", "plain")
        print(f"stub self-test as {setting}: {'broken' if broken else 'good'}")
        return int(broken)
    if command == "benchmark":
        folder = os.environ["BOARD_APP_SAMPLES"]
        samples = len(list(Path(folder).glob("*"))) if folder else "no"
        assert "--quick" in sys.argv
        print(f"stub benchmark of {options.get('--cifar10', f'{samples} samples')}")
        return 0
    if (overlay / "fails-serve").exists():
        print("stub demo: cannot start")
        return 1
    _Handler.seconds = 7 * (overlay / "slow-network").exists()
    server = http.server.HTTPServer((options["--host"], int(options["--port"])), _Handler)

    def end(*_: object) -> None:
        server.server_close()
        time.sleep(2)
        sys.exit()

    if (overlay / "slow-stop").exists():
        signal.signal(signal.SIGTERM, end)
    server.serve_forever()
    return 0


sys.exit(main())
