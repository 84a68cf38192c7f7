"""How many samples a second the running product takes in: `make bench-ingest`."""
