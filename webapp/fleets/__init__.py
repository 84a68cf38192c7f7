"""Sites, boxes and cameras, and what boxes say to the server."""
