"""Recovery plans: which machines come up, in which order, and what is done between them."""
