"""What a machine that was started for a test must do before the test has passed."""
