"""The shipped model: its text, its questions, its training. Text and questions need the standard library only."""
