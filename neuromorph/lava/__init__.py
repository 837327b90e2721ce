"""Deployment on Lava: integer networks, their numpy reference and their stock Lava graphs (Loihi 1 and 2 rules)."""
