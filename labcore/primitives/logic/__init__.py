"""Boolean functions and netlists of gates."""
