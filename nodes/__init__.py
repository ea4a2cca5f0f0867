"""The roles, one file each. They propose and measure; none of them judges, and none knows another."""
