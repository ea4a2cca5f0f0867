"""Writes what was measured in the formats of other projects, and says what a public leaderboard would admit."""
