"""Results of meta-pytorch/tritonbench: read, and audited."""
