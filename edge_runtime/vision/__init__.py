"""Networks and pictures: architectures, layer inventory, pre- and post-processing, losses, metrics.

The only importer of torchvision in the project (edge_runtime.vision.torchvision_ops must run first).
"""
