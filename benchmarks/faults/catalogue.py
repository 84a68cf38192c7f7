"""All faults, in the order in which they are inflicted: importing registers them. Needs Django to be set up."""

from benchmarks.faults import damage, jobs, killed, links, machines

__all__ = ["damage", "jobs", "killed", "links", "machines"]
