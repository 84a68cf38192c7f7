"""Models, data sets and queries: what the boxes should look for."""
