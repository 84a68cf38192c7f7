"""What becomes of answers on the box: objects followed over frames, counts, sightings, lines of JSON."""
