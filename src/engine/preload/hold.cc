// SPDX-License-Identifier: Apache-2.0
//
// `reprise-hold.so`, preloaded into CRIU for a restore. CRIU (4.2, cr-restore.c, attach_to_tasks)
// holds the restored tasks by ptrace(2) from the moment when they could run until it lets them go.
//
// If CRIU were killed in between, the kernel would let them run, although nobody has said that they
// may: with PTRACE_O_EXITKILL it ends them instead. And CRIU lets them go whatever becomes of the
// script that it runs before: it must not, unless the session has left its leave in a file.
//
// What runc has to say of a failure is not for the container's log. So its standard error is a
// file, and CRIU, which gives the tasks what it has from runc, gets the container's in the place of
// that.
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/criu/hook_protocol.h"
#include "sys/passed_descriptor.h"

namespace {

using Ptrace = long (*)(__ptrace_request, ...);

Ptrace g_next = nullptr;
bool g_holds = false;  // tasks that are restored; before that CRIU may trace its own children

// Without it the container would write into our log: no restore, then.
void give_tasks_their_stderr() {
  constexpr int kMostPassed = 64;  // by runc: a few above the standard ones
  const char* name = std::getenv(reprise::sys::kStderrVariable);  // NOLINT(concurrency-mt-unsafe)
  struct stat ours{};
  if (name == nullptr || *name == '\0' || ::fstat(STDERR_FILENO, &ours) != 0) return;
  if (!S_ISREG(ours.st_mode)) return;  // it is only asked what it can do
  // As it is named where it starts; helpers of it have other names, and restore nothing.
  if (std::strcmp(program_invocation_short_name, "criu") != 0) return;
  const int real = reprise::sys::take_descriptor(name);
  if (real < 0) ::_exit(1);
  for (int fd = STDERR_FILENO; fd < kMostPassed; ++fd) {
    struct stat passed{};
    if (fd == real || ::fstat(fd, &passed) != 0) continue;
    if (passed.st_dev != ours.st_dev || passed.st_ino != ours.st_ino) continue;
    if (::dup2(real, fd) < 0) ::_exit(1);
  }
  ::close(real);
}

// Called before anything else of the program, so that no call of it has to wait for the look-up.
__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Ptrace>(::dlsym(RTLD_NEXT, "ptrace"));
  give_tasks_their_stderr();
}

bool has_leave() {
  const char* file =
      std::getenv(reprise::engine::hook::kLeaveVariable);  // NOLINT(concurrency-mt-unsafe)
  return file != nullptr && ::access(file, F_OK) == 0;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) long ptrace(__ptrace_request request,
                                                              ...) noexcept {
  va_list rest;
#if defined(__clang__)
#pragma clang diagnostic push
// The enumeration is that of glibc's own declaration, and as wide as the int it is passed as.
#pragma clang diagnostic ignored "-Wvarargs"
#endif
  va_start(rest, request);
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
  const pid_t pid = va_arg(rest, pid_t);
  void* const address = va_arg(rest, void*);
  void* data = va_arg(rest, void*);
  va_end(rest);
  if (request == PTRACE_SETOPTIONS) g_holds = true;
  // Each of the two sets all options of the task anew.
  if (request == PTRACE_SEIZE || request == PTRACE_SETOPTIONS)
    data = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(data) | PTRACE_O_EXITKILL);
  if (request == PTRACE_DETACH && g_holds && !has_leave()) std::raise(SIGKILL);
  return g_next(request, pid, address, data);
}
