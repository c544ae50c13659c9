"""Whether a guest will come up at another host: looked at while it runs at its own."""
