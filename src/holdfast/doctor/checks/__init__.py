"""Causes that need judgement: one small pure function each, registered under the cause's id."""
