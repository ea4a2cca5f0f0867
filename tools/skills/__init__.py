"""Skills: instructions for roles as Markdown with validated front matter; a role gets only those for its task."""
