"""Files that a user takes away with a deployed network; they need nothing of this package."""
