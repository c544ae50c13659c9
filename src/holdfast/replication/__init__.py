"""A second site that is never more than minutes behind, and says so honestly."""
