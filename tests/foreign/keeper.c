// SPDX-License-Identifier: Apache-2.0
//
// The first process of a container in which one of CRIU's test programs runs.
//
//   keeper PROGRAM ARGUMENT...
//
// Starts the program, which goes into the background once it is ready, and says READY, or what went
// wrong. At SIGUSR1 it asks the program to finish and shows what that has written: exit status 0 if
// its last line says PASS. At SIGTERM, which comes only if there was no checkpoint, it exits with
// everything. Orphans are waited for, as an init does.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kFailed = 1, kNeverReady = 2, kTold = 3 };

// A line without its end, or nothing at all.
static void first_line(const char* path, char* line, int size) {
  FILE* file = fopen(path, "r");
  line[0] = 0;
  if (!file) return;
  if (!fgets(line, size, file)) line[0] = 0;
  fclose(file);
}

// Shows the file; whether its last line has the word PASS.
static int show(const char* path) {
  char line[1024];
  int passed = 0;
  FILE* file = fopen(path, "r");
  while (file && fgets(line, sizeof(line), file)) {
    fputs(line, stdout);
    passed = strstr(line, "PASS") != NULL;
  }
  if (file) fclose(file);
  return passed;
}

static int finish(pid_t program, const char* out, const char* unfinished) {
  int passed;
  if (kill(program, SIGTERM)) printf("the program is gone\n");
  while (kill(program, 0) == 0 && wait(NULL) > 0);
  passed = show(out);
  if (!passed) show(unfinished);
  printf("%s\n", passed ? "PASSED" : "FAILED");
  fflush(stdout);
  return passed ? 0 : kFailed;
}

int main(int argc, char** argv) {
  char pid_file[256], out[256], unfinished[256], line[64];
  sigset_t signals;
  pid_t child, ended;
  int status, signal_number;

  if (argc < 2) return kNeverReady;
  snprintf(pid_file, sizeof(pid_file), "%s.pid", argv[1]);
  snprintf(out, sizeof(out), "%s.out", argv[1]);
  snprintf(unfinished, sizeof(unfinished), "%s.out.inprogress", argv[1]);
  child = fork();
  if (child == 0) {
    execv(argv[1], argv + 1);
    _exit(127);
  }
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  if (waitpid(child, &status, 0) != child || status != 0) {
    printf("NOT READY (status %#x)\n", status);
    show(out);
    show(unfinished);
    fflush(stdout);
    return kNeverReady;
  }
  first_line(pid_file, line, sizeof(line));
  printf("READY\n");
  fflush(stdout);
  for (;;) {
    if (sigwait(&signals, &signal_number)) continue;
    if (signal_number == SIGUSR1) return finish(atoi(line), out, unfinished);
    if (signal_number == SIGTERM) return kTold;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
      if (ended == atoi(line)) printf("the program ended by itself (status %#x)\n", status);
    fflush(stdout);
  }
}
