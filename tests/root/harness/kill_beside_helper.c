// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into CRIU: kills it in the moment in which a child of it has stopped itself.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// CRIU looks at what the kernel can in a child of its own where runc asks for that only.
static int is_criu(pid_t pid) {
  char path[64];
  char name[16] = "";
  snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
  FILE* file = fopen(path, "re");
  if (file == NULL) return 0;
  const int is = fgets(name, sizeof name, file) != NULL && strcmp(name, "criu\n") == 0;
  fclose(file);
  return is;
}

pid_t waitpid(pid_t pid, int* status, int options) {
  pid_t (*const next)(pid_t, int*, int) = (pid_t(*)(pid_t, int*, int))dlsym(RTLD_NEXT, "waitpid");
  const pid_t waited = next(pid, status, options);
  if (waited > 0 && status != NULL && (options & WUNTRACED) != 0 && WIFSTOPPED(*status)) {
    if (is_criu(getppid())) kill(getppid(), SIGKILL);
    kill(getpid(), SIGKILL);
  }
  return waited;
}
