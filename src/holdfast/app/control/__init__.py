"""Use cases of the control plane: what the server does for people and for machines."""
