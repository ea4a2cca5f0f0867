"""Giving every fixture to an auditor and writing down what it says, without ever looking at a key."""
