"""What to run next, as pure functions: policies and decisions as data. No I/O, no ML stack."""
