"""The flags of the fake server."""

import argparse


class ServerArgs:
    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> None:
        for name in ("model-path", "host", "port", "device", "attention-backend", "sampling-backend", "load-format"):
            parser.add_argument(f"--{name}")
        parser.add_argument("--max-total-tokens", type=int)
        parser.add_argument("--random-seed", type=int)
        parser.add_argument("--skip-server-warmup", action="store_true")
        parser.add_argument("--sleep-on-idle", action="store_true")
        parser.add_argument("--trust-remote-code", action="store_true")
