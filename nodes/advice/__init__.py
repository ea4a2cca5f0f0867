"""What language models propose: checked against what a search allows, written down, and measured like anything else."""
