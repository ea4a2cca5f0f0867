"""The recorder: a process of its own that signs each file of a run when it is finished, with a key that ends with it.

``chain`` defines the signed lines, ``writer`` makes them, ``process`` is the recorder, ``client`` the run's side of it,
``check`` says what does not hold. Importing this package loads no cryptography.
"""
