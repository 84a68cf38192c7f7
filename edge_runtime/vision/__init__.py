"""Networks and pictures: architectures, layer inventory, pre- and post-processing, losses, metrics.

The only importer of torchvision in the project (edge_runtime.vision.torchvision_ops must run first).
"""

import os

# OpenMP threads that spin while they wait made two torch processes on two cores 2-40 times slower. The runtime reads
# this once, when torch is first imported, so it is set here, before any module of this package imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
