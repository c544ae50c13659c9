"""Test failovers on a schedule, and what is told of them."""
