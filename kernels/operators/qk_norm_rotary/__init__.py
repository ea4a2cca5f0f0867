"""RMSNorm of every head of queries and keys, and then their rotary embedding, in one pass: as Qwen3 has it."""
