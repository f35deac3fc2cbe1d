// SPDX-License-Identifier: Apache-2.0
//
// `reprise-script.so`, preloaded into CRIU for a dump. CRIU (4.2, cr-dump.c, cr_dump_finish) takes
// the exit status out of what wait(2) tells of its script at post-dump, and does not look whether
// it exited: a script that was killed counts as one that said yes, and the tasks are ended though
// nobody has sealed them. Here it counts as one that failed.
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

namespace {

using Waitpid = pid_t (*)(pid_t, int*, int);

Waitpid g_next = nullptr;

// Called before anything else of the program, so that no call of it has to wait for the look-up.
__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Waitpid>(::dlsym(RTLD_NEXT, "waitpid"));
}

// CRIU sets it for its scripts, and takes it away when they have ended (action-scripts.c).
bool waits_for_script() {
  return std::getenv("CRTOOLS_SCRIPT_ACTION") != nullptr;  // NOLINT(concurrency-mt-unsafe)
}

constexpr int kExitedWithOne = 1 << 8;  // as WEXITSTATUS reads it

}  // namespace

extern "C" __attribute__((visibility("default"))) pid_t waitpid(pid_t pid, int* status,
                                                                int options) {
  const pid_t ended = g_next(pid, status, options);
  if (ended > 0 && ended == pid && status != nullptr && WIFSIGNALED(*status) && waits_for_script())
    *status = kExitedWithOne;
  return ended;
}
