// Is no C++: the compiler refuses it.

static void attack(const Call& call) {
  no_such_function();
}
