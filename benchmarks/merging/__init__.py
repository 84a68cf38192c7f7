"""Merge strategies compared on the same workload, data, seed and machine.

`make bench-merging`: a mixed workload from real recordings where GEMEL_DATA_DIR names them, else one like it from
rendered streets. Writes pictures and WORKLOAD.yaml, trains the originals, compares, and checks what is claimed.
"""
