"""Protecting virtual machines: what is taken, in which order, and how it comes back."""
