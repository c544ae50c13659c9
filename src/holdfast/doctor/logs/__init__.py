"""The layouts of the products' logs, all the versions we know of."""
