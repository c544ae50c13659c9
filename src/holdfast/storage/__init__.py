"""Places where named files lie: a directory, memory, cloud object stores."""
