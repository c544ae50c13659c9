"""Readers of whole artefacts: each turns one product's output into facts and never raises."""
