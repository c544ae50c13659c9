"""How the tables came to be, step by step; `catalog.migrating` takes the steps."""
