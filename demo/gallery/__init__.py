"""Pictures of every page of a running product, with what a browser finds wrong with each."""
