"""The fixtures in external evaluation tools (inspect-ai, LangSmith): optional, imported only on request."""
