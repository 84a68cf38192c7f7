"""`python -m workers.merging`: the merging core without the web application."""

import os

# OpenMP reads this once, when torch is first imported; spinning threads made two trainers 2-40 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from workers.merging.cli import app

if __name__ == "__main__":
    app(prog_name="python -m workers.merging")
