// SPDX-License-Identifier: Apache-2.0
//
// `reprise-hold.so`, preloaded into CRIU for a restore. CRIU (4.2, cr-restore.c, attach_to_tasks)
// holds the restored tasks by ptrace(2) from the moment when they could run until it lets them go.
//
// If CRIU were killed in between, the kernel would let them run, although nobody has said that they
// may: with PTRACE_O_EXITKILL it ends them instead. And CRIU lets them go whatever becomes of the
// script that it runs before: it must not, unless the session has left its leave in a file.
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

#include "engine/criu/hook_protocol.h"

namespace {

using Ptrace = long (*)(__ptrace_request, ...);

Ptrace g_next = nullptr;
bool g_holds = false;  // tasks that are restored; before that CRIU may trace its own children

// Called before anything else of the program, so that no call of it has to wait for the look-up.
__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Ptrace>(::dlsym(RTLD_NEXT, "ptrace"));
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
