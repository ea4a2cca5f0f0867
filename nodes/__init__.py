"""The roles of a run, one file each. They propose and measure; none judges, and none imports another."""
