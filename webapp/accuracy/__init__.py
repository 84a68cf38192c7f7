"""How running models agree with their originals on frames that boxes sample, over windows of time."""
