"""The demo's two boxes: how they are limited. What they run is content (content/demo.yaml), set up by seed.py."""

from demo.processes import BoxProcess

# The budget lies below what the box's unmerged models need and above what the merged ones do. The swap bandwidth is
# that of a class-10 memory card; without it a desktop's memory hides what swapping costs.
DEMO_BOXES = (
    BoxProcess("north-gate", memory_budget="18MiB", swap_bandwidth="10MiB"),
    BoxProcess("harbour-bridge", memory_budget="16MiB", swap_bandwidth="10MiB"),
)
