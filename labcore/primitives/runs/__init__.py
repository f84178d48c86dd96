"""Many networks trained side by side, each as if it were alone."""
