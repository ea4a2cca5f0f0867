"""A server that speaks the few endpoints that are used, and misbehaves as ``FAKE_MODE`` says."""

import argparse
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sglang.srt.server_args import ServerArgs

MODE = os.environ.get("FAKE_MODE", "healthy")
FATAL_REQUEST = 3
"""The modes that fail in a round do so at this generate request."""
CHILD = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('child up', flush=True); time.sleep(600)"
)


def burn(seconds: float) -> None:
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        pass


class Handler(BaseHTTPRequestHandler):
    arguments: argparse.Namespace
    generated = 0
    counting = threading.Lock()

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, body: object, status: int = 200) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        if self.path == "/health_generate" and MODE == "hang_health":
            time.sleep(600)
        if self.path == "/server_info":
            known = {"version": "fake", "environment": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd()}
            self.reply(vars(self.arguments) | known)
        elif self.path in ("/health_generate", "/v1/models"):
            self.reply({"data": [{"id": "fake"}]})
        else:
            self.reply({}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/flush_cache":
            self.reply({}, 400 if MODE == "never_idle" else 200)
        elif self.path == "/generate":
            self.generate(body)
        elif self.path == "/start_profile":
            with gzip.open(os.path.join(body["output_dir"], "1-TP-0.trace.json.gz"), "wt") as trace:
                json.dump({"traceEvents": [{"steps": body["num_steps"], "shapes": body["record_shapes"]}]}, trace)
            self.reply({})
        else:
            self.reply({}, 404)

    def generate(self, body: dict) -> None:
        with self.counting:
            type(self).generated += 1
            number = self.generated
        if MODE == "die_in_round" and number == FATAL_REQUEST:
            print("Traceback (most recent call last):\nRuntimeError: scheduler hit an exception", flush=True)
            os._exit(1)
        if MODE == "hang_in_round" and number >= FATAL_REQUEST:
            time.sleep(600)
        if MODE == "refuse":
            self.reply({"error": "no"}, 500)
            return
        burn(0.005)
        count = body["sampling_params"]["max_new_tokens"]
        text = "It is 18.\n#### 18" if "eggs" in str(body.get("text")) else "word " * count
        self.reply(
            {
                "text": text,
                "output_ids": list(range(count)),
                "meta_info": {"completion_tokens": count, "finish_reason": {"type": "length"}},
            }
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="launch_server.py")
    ServerArgs.add_cli_args(parser)
    Handler.arguments = parser.parse_args()
    print("server starting", flush=True)
    if MODE == "die_early":
        with open(os.environ["FAKE_LOG"], encoding="utf-8") as log:
            print(log.read(), flush=True)
        raise SystemExit(1)
    if MODE == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "never_listen":
        time.sleep(600)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", CHILD])
    ThreadingHTTPServer((Handler.arguments.host, int(Handler.arguments.port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
