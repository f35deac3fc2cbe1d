// SPDX-License-Identifier: Apache-2.0
// What holds the namespaces of a pod: it waits, and reaps what is left to it.
#include <signal.h>
#include <unistd.h>

static void end(int number) { _exit(number == SIGTERM || number == SIGINT ? 0 : 1); }

int main(void) {
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  // The kernel reaps the children of whoever ignores their end.
  action.sa_handler = SIG_IGN;
  sigaction(SIGCHLD, &action, NULL);
  for (;;) {
    pause();
  }
}
