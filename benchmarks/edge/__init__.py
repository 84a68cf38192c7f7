"""What merging and scheduling do for a box, in frames and accuracy: really executed, and foretold from profiles."""
