"""From a choice of parameters to a compiled kernel, to figures of an offline compile, and to an overlay."""
