"""Support bundles: what one machine's doctor saw, to be looked at elsewhere and later."""
