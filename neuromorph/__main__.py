"""``python -m neuromorph`` is the command ``neuromorph``."""

from neuromorph.commands.main import main

if __name__ == "__main__":
    main()
