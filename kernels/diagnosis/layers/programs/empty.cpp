// A kernel that does nothing: what a call of it takes, a call of any kernel takes too.

#include <cstdint>

static int64_t calls_here = 0;
extern "C" int64_t bankable_calls() { return calls_here; }
extern "C" const char* bankable_source() { return BANKABLE_SOURCE; }
extern "C" void bankable_run() { ++calls_here; }
