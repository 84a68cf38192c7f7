"""Template tags of the words that several pages draw."""
