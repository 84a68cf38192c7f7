"""Live statistics of boxes: ingest and the figures and series that pages show."""
