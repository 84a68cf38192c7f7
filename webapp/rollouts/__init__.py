"""Bundles and what each box should run against what it says it runs."""
