"""Pages of rollouts, and what people do about a bundle on its way to a box."""
