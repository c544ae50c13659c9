"""From a symptom to its proven cause and its remedy: probes, facts, checks, findings."""
