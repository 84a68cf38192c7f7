"""The soak in short: the same comings and goings, fewer of them, wider bounds. `make soak` is the long one."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_box_grows_in_nothing_while_cameras_bundles_and_the_server_come_and_go(tmp_path):
    out = tmp_path / "soak.json"
    looser = ["--step-seconds", "0.8", "--rss-tolerance", "0.12", "--thread-tolerance", "6"]
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.75", *looser, "--out", str(out)]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    claims = json.loads(out.read_text())["claims"]
    assert len(claims) == 9
    assert all(claim["held"] for claim in claims)
