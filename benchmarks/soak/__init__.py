"""A whole box for an hour, with cameras, queries, bundles and a server that come and go: `make soak`."""
