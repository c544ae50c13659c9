"""What came of an examination, as data, as text for people, as SARIF and as JUnit."""
