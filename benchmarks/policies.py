"""The scheduling policies on boxes of many kinds, simulated: what a policy is worth where memory is short.

Every box has six models of two architectures whose layers grow towards the end, as those of real networks do; merged,
four layers in five are shared within an architecture. Drawn from seeds and run under a virtual clock, so the figures
are the same on every machine. `make bench-policies`.
"""

import argparse
import random
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.machine import save
from edge_runtime.scheduling.admission import named_budget
from edge_runtime.scheduling.policies import POLICIES
from edge_runtime.scheduling.simulation import simulate
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload

MODELS = 6
SETTINGS = ("min", "25%", "50%")
LOAD_RATIOS = (2.0, 6.0)  # of a model's load time to its run time
SHARED = 0.8


def box(seed: int, *, merged: bool) -> tuple[Workload, Profiles]:
    """Merged or not, the same models and queries."""
    draw, shares = random.Random(seed), random.Random(seed + 1)
    models, queries = [], []
    for number in range(MODELS):
        architecture, layers, run_ms = draw.choice("AB"), draw.randint(9, 14), draw.uniform(5, 30)
        tensors = {}
        for layer in range(layers):
            is_shared = shares.random() < SHARED and merged
            owner = "" if is_shared else f" of {number}"
            tensors[f"{architecture}{layer}{owner}"] = int(40_000 * 1.35**layer) * (2 if architecture == "A" else 1)
        batches = tuple(Batch(size, run_ms * size**0.8, 200_000 * size) for size in (1, 2, 4))
        models.append(ModelProfile(f"m{number}", tensors, batches))
        rate_fps, deadline_ms = draw.choice([3.0, 5.0, 10.0]), draw.choice([200, 400, 800])
        queries.append(QueryLoad(f"q{number}", f"m{number}", rate_fps, deadline_ms))
    return Workload(tuple(queries)), Profiles(tuple(models))


def link(profiles: Profiles, load_ratio: float) -> float:
    """Bytes/s at which an average model takes `load_ratio` times its run to load."""
    run_s = sum(model.batches[0].run_ms for model in profiles.models) / 1000
    return sum(model.weight_bytes for model in profiles.models) / (load_ratio * run_s)


def rows(boxes: int, seconds: float) -> Iterator[dict[str, Any]]:
    for setting in SETTINGS:
        for load_ratio in LOAD_RATIOS:
            for merged in (False, True):
                given = [(box(seed, merged=False)[1], *box(seed, merged=merged)) for seed in range(boxes)]
                in_time = {
                    policy: statistics.mean(
                        simulate(
                            workload,
                            profiles,
                            Budget(named_budget(setting, unmerged.models), 0, link(unmerged, load_ratio)),
                            policy,
                            seconds=seconds,
                            warm_up_s=2.0,
                        ).processed_fraction
                        for unmerged, workload, profiles in given
                    )
                    for policy in sorted(POLICIES)
                }
                yield {"memory": setting, "load_ratio": load_ratio, "merged": merged, "in_time": in_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    found = []
    for row in rows(options.boxes, options.seconds):
        found.append(row)
        figures = "  ".join(f"{policy} {share:.1%}" for policy, share in row["in_time"].items())
        kind = "merged  " if row["merged"] else "unmerged"
        print(f"{row['memory']:>4}, load {row['load_ratio']:g} x run, {kind}  {figures}", flush=True)
    print(f"Written to {save('policies', {'boxes': options.boxes, 'seconds': options.seconds, 'rows': found})}")


if __name__ == "__main__":
    main()
