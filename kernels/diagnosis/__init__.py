"""From what the layers found to what holds a kernel back, and what to try next."""
