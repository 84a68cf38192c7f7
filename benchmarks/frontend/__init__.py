"""What pages weigh, how fast they paint, and whether they stay that way for a day: `make bench-frontend`."""
