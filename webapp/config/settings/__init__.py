"""Settings by environment; all of them start from base."""
