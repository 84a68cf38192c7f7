"""Executes queries within a memory budget: resident layers, swapping, batched execution."""
