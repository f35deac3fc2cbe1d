// SPDX-License-Identifier: Apache-2.0
//
// `criu-hook`: the action script that CRIU runs at each of its steps, most of which do not concern
// us. See hook.h. Links the C library only, since tasks stand still while it starts.
//
// Exit status 0: CRIU goes on. Anything else: it undoes a dump (the tasks run on) or a restore
// (the tasks that it made are killed).
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

#include "engine/criu/hook_pids.h"
#include "engine/criu/hook_protocol.h"
#include "sys/socket_name.h"

namespace hook = reprise::engine::hook;

namespace {

constexpr int kGoOn = 0;
constexpr int kUndo = 1;

const char* variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread
  return value == nullptr ? "" : value;
}

bool is(const char* text, const char* other) { return std::strcmp(text, other) == 0; }

// The freeze as users feel it begins about here: CRIU has just stopped the tasks.
void note_freeze() {
  const char* file = variable(hook::kFreezeFileVariable);
  if (*file == '\0') return;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  if (FILE* out = std::fopen(file, "we")) {
    std::fprintf(out, "%lld.%09ld\n", static_cast<long long>(now.tv_sec), now.tv_nsec);
    std::fclose(out);
  }
}

int connect_to(const char* address) {
  const reprise::sys::SocketName name(address);
  if (name.error() != 0) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, name.address(), reprise::sys::SocketName::size()) == 0) return fd;
  ::close(fd);
  return -1;
}

enum class Answer { kProceed, kAbort, kNone };

// One question on one connection; kNone if the other side died before it had an answer.
Answer ask_once(int fd, const char* question) {
  char reply[32] = {};
  if (::send(fd, question, std::strlen(question), MSG_NOSIGNAL) < 0) return Answer::kNone;
  const ssize_t n = ::recv(fd, reply, sizeof reply - 1, 0);
  if (n <= 0) return Answer::kNone;
  return is(reply, hook::kProceed) ? Answer::kProceed : Answer::kAbort;
}

// Nobody is left to ask: what is sealed may end, and the worker, which lies beside us, can tell.
void become_worker() {
  char path[4096];
  constexpr const char* kWorker = "reprise-worker";
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0 || static_cast<std::size_t>(n) + std::strlen(kWorker) >= sizeof path) return;
  path[n] = '\0';
  char* const name = std::strrchr(path, '/') + 1;
  std::strcpy(name, kWorker);  // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
  ::execl(path, kWorker, "verdict", variable(hook::kSocketVariable), nullptr);
}

// A session that dies while it is asked is asked again: its guard answers then.
int ask(const char* step) {
  const char* pid = variable("CRTOOLS_INIT_PID");
  char question[64];
  std::snprintf(question, sizeof question, "%s %s", step, *pid == '\0' ? "0" : pid);
  constexpr int kAttempts = 2;  // the session, then its guard; a third would mean that both died
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int fd = connect_to(variable(hook::kSocketVariable));
    if (fd < 0) break;
    const Answer answer = ask_once(fd, question);
    ::close(fd);
    if (answer != Answer::kNone) return answer == Answer::kProceed ? kGoOn : kUndo;
  }
  if (is(step, hook::kPostDump)) become_worker();
  return kUndo;
}

// runc sets lo up when it creates a network namespace, but CRIU makes it anew on a restore; it must
// be up before CRIU connects sockets. Not fatal: a container without connections needs no lo.
void set_loopback_up() {
  if (!is(variable(hook::kLoopbackVariable), "up")) return;
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%s/ns/net", variable("CRTOOLS_INIT_PID"));
  const int ns = ::open(path, O_RDONLY | O_CLOEXEC);
  if (ns < 0 || ::setns(ns, CLONE_NEWNET) != 0) return;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");  // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
  if (fd < 0 || ::ioctl(fd, SIOCGIFFLAGS, &request) != 0) return;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  [[maybe_unused]] const int result = ::ioctl(fd, SIOCSIFFLAGS, &request);
}

}  // namespace

int main() {
  const char* step = variable("CRTOOLS_SCRIPT_ACTION");
  if (is(step, hook::kNetworkLock)) {
    note_freeze();
    return is(variable(hook::kAskFrozenVariable), "yes") ? ask(step) : kGoOn;
  }
  if (is(step, hook::kSetupNamespaces)) set_loopback_up();
  if (is(step, "pre-restore")) hook::lift_pids_limit(variable(hook::kPidsVariable));
  if (is(step, hook::kPreResume)) hook::put_pids_limit_back(variable(hook::kPidsVariable));
  for (const char* question :
       {hook::kPostDump, hook::kSetupNamespaces, hook::kPostRestore, hook::kPreResume})
    if (is(step, question)) return ask(question);
  return kGoOn;
}
