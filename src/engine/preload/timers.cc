// SPDX-License-Identifier: Apache-2.0
//
// `reprise-timers.so`, preloaded into CRIU for a dump where a POSIX timer signals a certain thread.
// CRIU 4.2 looks that thread's id in its PID namespace up before it has asked for it: it finds 0,
// and gives up, or whatever lay in that memory. So it is told that such a timer signals the
// process, and the thread is put into its images afterwards (engine/criu/timer_threads.h).
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

#define REPRISE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Scan = int (*)(const char*, const char*, va_list);

Scan g_scan = nullptr;

__attribute__((constructor)) void find_scan() {
  // As programs for glibc 2.38 and later have it; the older one serves those before.
  g_scan = reinterpret_cast<Scan>(::dlsym(RTLD_NEXT, "__isoc23_vsscanf"));
  if (g_scan == nullptr) g_scan = ::vsscanf;
}

// criu/proc_parse.c, parse_posix_timers: "notify: %6[a-z]/%3[a-z].%d\n".
int scan(const char* text, const char* format, va_list arguments) {
  constexpr const char* kFormat = "notify: %";
  constexpr int kAll = 3;
  va_list results;
  va_copy(results, arguments);
  const int count = g_scan(text, format, arguments);
  if (count == kAll && std::strncmp(format, kFormat, std::strlen(kFormat)) == 0) {
    va_arg(results, char*);
    char* whom = va_arg(results, char*);
    if (std::strcmp(whom, "tid") == 0) whom[0] = 'p';
  }
  va_end(results);
  return count;
}

}  // namespace

REPRISE_EXPORT int __isoc23_sscanf(const char* text, const char* format, ...) {  // NOLINT
  va_list arguments;
  va_start(arguments, format);
  const int count = scan(text, format, arguments);
  va_end(arguments);
  return count;
}

REPRISE_EXPORT int __isoc99_sscanf(const char* text, const char* format, ...) {  // NOLINT
  va_list arguments;
  va_start(arguments, format);
  const int count = scan(text, format, arguments);
  va_end(arguments);
  return count;
}
