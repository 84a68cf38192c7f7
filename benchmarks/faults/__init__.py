"""The fault matrix: everything that can break is broken once, on the whole product, and what was lost is counted.

A program like the soak, not a test: it runs for a quarter of an hour, prints a table, and its result is committed.
"""
