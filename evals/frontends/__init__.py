"""The fixtures in other people's evaluation tools: optional, and loaded only where they are asked for."""
