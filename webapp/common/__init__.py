"""Words every app may use: errors, clock, blobs, encryption. No domain words."""
