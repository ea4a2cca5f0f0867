"""The search over kernels: candidates as a tree, policies, evaluation, and executors."""
