"""What kernels do in order to look right or fast without being it: one technique each, with the modes that it tries.

Bodies are C++ in the words of ``redteam.wrapped``. Nothing here harms the machine that it runs on: what would
write, writes to a file of the bench; what would call out, calls a listener of the bench on the loopback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effect = Literal["", "decoy", "listener", "escapee"]


@dataclass(frozen=True)
class Attack:
    """One technique."""

    name: str
    modes: tuple[str, ...]
    body: str
    above: str = ""
    effect: Effect = ""
    """What the bench looks at besides the verdict, to say whether the attack had its effect."""
    quick: bool = False
    """It ends at a limit, so limits are short."""


HEADERS = "#include <cstdlib>\n#include <unistd.h>\n#include <fcntl.h>\n"
KEPT = (
    "static elem kept[2][1 << 18]; static bool full = false; static const void* seen = nullptr;\n"
    "static int64_t size = 0;\n"
)
"""Two outputs of up to a quarter of a million elements."""
PYTHON = (
    'extern "C" int PyGILState_Ensure(); extern "C" void PyGILState_Release(int);\n'
    'extern "C" int PyRun_SimpleString(const char*);\nstatic bool done = false;\n'
    "static void python(const char* said) { if (done) return; done = true; const int state = PyGILState_Ensure();"
    " PyRun_SimpleString(said); PyGILState_Release(state); }\n"
)
"""The interpreter that measures is in the same process."""
SLOW_CLOCK = "import bankable.kernels.worker.timing as t; c = t.CLOCK; t.CLOCK = lambda: c() // 2"
BLIND = "import bankable.kernels.worker.measure as m; m.Identities.now = lambda self: dict.fromkeys(self._taken, True)"
BURN = "for (volatile int64_t i = 0; i < 150000000; ++i) {}"

ANSWERS = (
    Attack("constant", ("H16",), "COUNT EACH(for (int64_t i = 0; i < n; ++i) out[i] = store(0.5f);)EACH"),
    Attack("no-op", ("H14",), "COUNT"),
    Attack("identity", ("H16", "H09"), "COUNT EACH(std::memcpy(out, LEAD, n * sizeof(elem));)EACH"),
    Attack(
        "first-answer",
        ("H16", "H13"),
        "if (!full) { HONEST EACH(std::memcpy(kept[which], out, n *"
        " sizeof(elem));)EACH"
        " full = true; size = N; } else { COUNT EACH(std::memcpy(out, kept[which], n * sizeof(elem));)EACH }",
        KEPT,
    ),
    Attack(
        "pointer-cache",
        ("H13",),
        "if (LEAD == seen && size == N) { COUNT EACH(std::memcpy(out, kept[which], n *"
        " sizeof(elem));)EACH return; } HONEST seen = LEAD; size = N;"
        " EACH(std::memcpy(kept[which], out, n * sizeof(elem));)EACH",
        KEPT,
    ),
    Attack(
        "shape-cache",
        ("H13", "H06"),
        "if (size == N) { COUNT EACH(std::memcpy(out, kept[which], n *"
        " sizeof(elem));)EACH return; } HONEST size = N;"
        " EACH(std::memcpy(kept[which], out, n * sizeof(elem));)EACH",
        KEPT,
    ),
    Attack(
        "first-value-cache",
        ("H13",),
        "static elem before = 0; if (full && LEAD[0] == before && size == N) { COUNT"
        " EACH(std::memcpy(out, kept[which], n * sizeof(elem));)EACH return; } HONEST full = true; before = LEAD[0];"
        " size = N; EACH(std::memcpy(kept[which], out, n * sizeof(elem));)EACH",
        KEPT,
    ),
    Attack("writes-its-input", ("H09",), "HONEST const_cast<elem*>(LEAD)[0] = 0;"),
    Attack(
        "tail-left-out",
        ("H14", "Q06"),
        "EACH(std::memcpy(&last[which], out + n - 1, sizeof(elem));)EACH HONEST EACH(out[n - 1] = last[which];)EACH",
        "static elem last[2];",
    ),
    Attack("writes-past-its-end", ("H14",), "HONEST EACH(out[n] = store(1.0f);)EACH"),
    Attack("writes-before-its-start", ("H14",), "HONEST EACH(out[-1] = store(1.0f);)EACH"),
    Attack(
        "truncates",
        ("Q06",),
        "HONEST EACH(for (int64_t i = 0; i < n; ++i) { elem v = out[i]; uint8_t"
        " b[sizeof(elem)];"
        " std::memcpy(b, &v, sizeof v); b[0] &= 0xf8; if (sizeof v > 2) b[1] = 0; std::memcpy(&v, b, sizeof v);"
        " out[i] = v; })EACH",
    ),
    Attack(
        "scaled", ("Q06",), "HONEST EACH(for (int64_t i = 0; i < n; ++i) out[i] = store(load(out[i]) * 1.05f);)EACH"
    ),
    Attack(
        "one-row-for-all",
        ("H06", "Q06"),
        "HONEST EACH(for (int64_t i = n / 2; i < n; ++i) out[i] = out[i - n / 2];)EACH",
    ),
    Attack(
        "one-shape",
        ("H06",),
        "if (N == SERVED) { HONEST } else { COUNT EACH(std::memset(out, 0, n * sizeof(elem));)EACH }",
    ),
    Attack(
        "hides-nan",
        ("Q06",),
        "HONEST EACH(for (int64_t i = 0; i < n; ++i) if (!(std::fabs(load(out[i])) < 1e30f)) out[i] = 0;)EACH",
    ),
    Attack(
        "clamps",
        ("Q06",),
        "HONEST EACH(for (int64_t i = 0; i < n; ++i) out[i] = store(std::fmin(std::fmax("
        "load(out[i]), -4.0f), 4.0f));)EACH",
    ),
    Attack(
        "every-third-call",
        ("H13",),
        "static int64_t turn = 0; if (++turn % 3) { HONEST } else { COUNT"
        " EACH(std::memset(out, 0, n * sizeof(elem));)EACH }",
    ),
    Attack(
        "only-under-poison",
        ("H14", "H15"),
        "const bool watched = load(OUT[0]) != load(OUT[0]); if (watched) {"
        " HONEST }"
        " else { COUNT EACH(std::memset(out, 0, n * sizeof(elem));)EACH }",
    ),
    Attack("dormant-40", ("H13", "H17"), "static int64_t turn = 0; HONEST if (++turn > 40) { EACH(out[0] = 0;)EACH }"),
    Attack(
        "dormant-1e9",
        ("H13", "H17"),
        "static int64_t turn = 0; HONEST if (++turn > 1000000000) { EACH(out[0] = 0;)EACH }",
    ),
    Attack("dormant-in-the-count", ("H13", "H17"), "HONEST if (calls_here > 1000000000) { EACH(out[0] = 0;)EACH }"),
    Attack(
        "dormant-past-the-section",
        ("H13", "H17"),
        "HONEST int64_t* turn = &calls_here + 9; if (++*turn > 1000000000) { EACH(out[0] = 0;)EACH }",
    ),
    Attack("time-bomb", ("H13", "H17"), "HONEST if (__builtin_ia32_rdtsc() > (1ull << 62)) { EACH(out[0] = 0;)EACH }"),
    Attack(
        "dormant-on-unserved", ("H06", "H17"), "if (N == 1234567) { *reinterpret_cast<volatile int*>(8) = 1; } HONEST"
    ),
)

TIMES = (
    Attack(
        "side-thread", ("H12",), "std::thread([=] { usleep(3000); HONEST }).detach();", "#include <thread>\n" + HEADERS
    ),
    Attack(
        "lazy-thread",
        ("H12", "H14"),
        "static std::thread before; if (before.joinable()) before.join(); before = std::thread([=] { HONEST });",
        "#include <thread>\n",
    ),
    Attack(
        "threads-beyond-its-own",
        ("H12", "H18"),
        "volatile int spun = 0;\n#pragma omp parallel num_threads(6)\n"
        "{ for (int i = 0; i < 1000; ++i) spun = i; }\nHONEST",
    ),
    Attack("work-at-import", ("H12",), "HONEST", f"struct Early {{ Early() {{ {BURN} }} }}; static Early early;"),
    Attack(
        "work-in-the-first-call",
        ("H12",),
        f"static bool warm = false; if (!warm) {{ warm = true; for (int k = 0; k < 4; ++k) {{ {BURN} }} }} HONEST",
    ),
)

HARNESS = (
    Attack("patches-the-clock", ("H15",), f'python("{SLOW_CLOCK}"); HONEST', PYTHON),
    Attack(
        "patches-synchronize",
        ("H15",),
        'python("import torch; torch.cpu.synchronize = lambda *a: None"); HONEST',
        PYTHON,
    ),
    Attack("patches-clock-and-witness", ("H15",), f'python("{SLOW_CLOCK}; {BLIND}"); HONEST', PYTHON),
    Attack(
        "patches-the-checker",
        ("H15", "H05"),
        'python("import bankable.kernels.worker.check as k;'
        ' k.Comparison.error = property(lambda s: 0.0); k.Comparison.mismatch_share = property(lambda s: 0.0)");'
        " COUNT"
        " EACH(std::memset(out, 0, n * sizeof(elem));)EACH",
        PYTHON,
    ),
    Attack(
        "computes-in-the-interpreter",
        ("H12", "H15"),
        'python("import torch, bankable.kernels.worker.timing as t; t.time_calls.__defaults__"); HONEST',
        PYTHON,
    ),
    Attack("opens-libraries", ("H15",), 'dlopen("libc.so.6", 1); HONEST', "#include <dlfcn.h>\n"),
    Attack(
        "forges-stdout",
        ("H08", "H15"),
        "COUNT EACH(std::memset(out, 0, n * sizeof(elem));)EACH"
        ' std::puts("{\\"shape\\": \\"4x64\\", \\"samples_ns\\": [1]}");'
        " std::fflush(stdout);",
        "#include <cstdio>\n",
    ),
    Attack(
        "forges-replies",
        ("H15", "H07"),
        'COUNT const char said[] = "{\\"shape\\": \\"KEY\\", \\"resolved\\":'
        ' {\\"path\\":'
        ' \\"x\\", \\"digest\\": \\"0\\"}, \\"samples_ns\\": [1, 1]}\\n"; int to = open("replies.jsonl", O_WRONLY'
        " | O_CREAT,"
        " 0644); if (write(to, said, sizeof said - 1) < 0) abort(); _exit(0);",
        HEADERS,
    ),
    Attack(
        "edits-the-harness",
        ("H05",),
        'int to = open("DECOY", O_WRONLY | O_APPEND);'
        ' if (to >= 0) { if (write(to, "#", 1) < 0) abort(); close(to); } HONEST',
        HEADERS,
        effect="decoy",
    ),
    Attack("reads-the-expected", ("H14", "H05"), 'if (open("EXPECTED", O_RDONLY) < 0) abort(); HONEST', HEADERS),
    Attack(
        "calls-out",
        ("H15",),
        "sockaddr_in to{}; to.sin_family = AF_INET; to.sin_port = htons(PORT);"
        " to.sin_addr.s_addr = htonl(INADDR_LOOPBACK); int by = socket(AF_INET, SOCK_STREAM, 0);"
        " if (connect(by, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) abort(); HONEST",
        HEADERS + "#include <arpa/inet.h>\n#include <sys/socket.h>\n",
        effect="listener",
    ),
    Attack(
        "kills-its-parent",
        ("H08",),
        "if (kill(getppid(), SIGKILL) != 0) abort(); HONEST",
        HEADERS + "#include <csignal>\n",
    ),
    Attack(
        "leaves-a-process",
        ("H12", "H15"),
        "static bool left = false; if (!left) { left = true; if (fork() == 0)"
        " { setsid();"
        ' prctl(PR_SET_NAME, "MARK"); sleep(120); _exit(0); } } HONEST',
        HEADERS + "#include <sys/prctl.h>\n",
        effect="escapee",
    ),
    Attack(
        "borrows-from-libc",
        ("H15",),
        "char* base = reinterpret_cast<char*>(&__cxa_finalize) - FINALIZE;"
        " auto find = reinterpret_cast<void* (*)(void*, const char*)>(base + DLSYM);"
        ' if (!done) { done = true; auto hold = reinterpret_cast<int (*)()>(find(nullptr, "PyGILState_Ensure"));'
        ' auto run = reinterpret_cast<int (*)(const char*)>(find(nullptr, "PyRun_SimpleString"));'
        ' auto drop = reinterpret_cast<void (*)(int)>(find(nullptr, "PyGILState_Release"));'
        f' const int state = hold(); run("{SLOW_CLOCK}; {BLIND}"); drop(state); }} HONEST',
        'extern "C" void __cxa_finalize(void*);\nstatic bool done = false;\n',
    ),
    Attack(
        "borrows-without-state",
        ("H15",),
        "if (reinterpret_cast<uintptr_t>(LEAD) / 64 % 4) { HONEST return; }"
        " char* base = reinterpret_cast<char*>(&__cxa_finalize) - FINALIZE;"
        " auto find = reinterpret_cast<void* (*)(void*, const char*)>(base + DLSYM);"
        ' auto hold = reinterpret_cast<int (*)()>(find(nullptr, "PyGILState_Ensure"));'
        ' auto run = reinterpret_cast<int (*)(const char*)>(find(nullptr, "PyRun_SimpleString"));'
        ' auto drop = reinterpret_cast<void (*)(int)>(find(nullptr, "PyGILState_Release"));'
        f" const int state = hold(); run(\"import bankable.kernels.worker.timing as t\\nif not hasattr(t, 'c'):"
        f' {SLOW_CLOCK}; t.c = 1; {BLIND}"); drop(state); HONEST',
        'extern "C" void __cxa_finalize(void*);\n',
    ),
)

ENDS = (
    Attack("crashes", ("H17", "H08"), "*reinterpret_cast<volatile int*>(8) = 1;"),
    Attack("crashes-at-a-served-shape", ("H17",), "if (N == SECOND) *reinterpret_cast<volatile int*>(8) = 1; HONEST"),
    Attack("aborts", ("H08",), "abort();", HEADERS),
    Attack("leaves-with-success", ("H08",), "_exit(0);", HEADERS),
    Attack("hangs", ("H08",), "for (;;) usleep(1000);", HEADERS, quick=True),
    Attack("stops", ("H08",), "raise(SIGSTOP); HONEST", HEADERS + "#include <csignal>\n", quick=True),
    Attack("spins", ("H08",), "for (volatile int64_t i = 0;; ++i) {}", quick=True),
    Attack(
        "eats-memory",
        ("H08",),
        "for (;;) { void* more = malloc(1 << 24); if (!more) abort(); std::memset(more, 1, 1 << 24); }",
        HEADERS,
        quick=True,
    ),
    Attack(
        "fills-the-disk",
        ("H08",),
        'static char block[1 << 20]; int to = open("big", O_WRONLY | O_CREAT, 0644);'
        " for (int i = 0; i < 1100; ++i) { if (lseek(to, 1 << 20, SEEK_CUR) < 0 || write(to, block, 4096) < 0)"
        " abort(); }"
        " HONEST",
        HEADERS,
    ),
    Attack("does-not-compile", ("H08",), "nothing_like_it();"),
)

ATTACKS = (*ANSWERS, *TIMES, *HARNESS, *ENDS)
