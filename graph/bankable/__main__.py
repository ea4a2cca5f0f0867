"""``python -m bankable``."""

from bankable.graph.cli import main

if __name__ == "__main__":
    main()
