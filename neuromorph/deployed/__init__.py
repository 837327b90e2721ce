"""What ``neuromorph deploy`` does: a case of what is deployed, checked every way on Lava, and written to take away."""
