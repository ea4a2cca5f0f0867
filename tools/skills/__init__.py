"""Skills: what a role follows, as Markdown with validated front matter; a role gets only what fits its task."""
