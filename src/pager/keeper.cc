// SPDX-License-Identifier: Apache-2.0
#include "pager/keeper.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <utility>

#include "sys/process.h"

namespace reprise::pager {
namespace {

// As fork(2), but with the caller's table of descriptors. The kernel notes who that is before it
// runs, so that a caller who is killed in here leaves nobody of whom nobody knows. 0 in the child.
pid_t fork_with_descriptors(Journal::Member& member) {
  return static_cast<pid_t>(::syscall(SYS_clone,
                                      CLONE_FILES | CLONE_PIDFD | CLONE_CHILD_SETTID | SIGCHLD,
                                      nullptr, &member.fd, &member.pid, nullptr));
}

class Keeper {
 public:
  Keeper(Journal& journal, const CrewPlan& plan, int first_own_fd)
      : journal_(journal), plan_(plan), first_own_fd_(first_own_fd) {}

  void run();

 private:
  using Member = Journal::Member;

  void start_pager();
  void start_spare();
  [[noreturn]] void run_spare();
  void close_leftovers();
  void replace_pager();
  void finish();

  static bool is_there(const Member& member);
  static void forget(Member& member);
  void wait_for_change();

  Journal& journal_;
  const CrewPlan& plan_;
  int first_own_fd_;
};

bool Keeper::is_there(const Member& member) {
  if (member.fd < 0) return false;
  pollfd process{.fd = member.fd, .events = POLLIN, .revents = 0};
  return ::poll(&process, 1, 0) == 0;
}

void Keeper::forget(Member& member) {
  if (member.fd < 0) return;
  // Fails for one that another keeper started: whoever became its parent reaps it.
  (void)::waitid(P_PIDFD, static_cast<id_t>(member.fd), nullptr, WEXITED);
  ::close(std::exchange(member.fd, -1));
}

void Keeper::run() {
  Journal::Crew& crew = journal_.crew();
  crew.keeper.pid = ::getpid();
  if (auto fd = sys::open_pidfd(crew.keeper.pid)) crew.keeper.fd = fd->release();
  while (!is_over(journal_.phase())) {
    if (!is_there(crew.spare)) start_spare();
    if (!is_there(crew.pager)) replace_pager();
    wait_for_change();
  }
  finish();
}

void Keeper::wait_for_change() {
  constexpr int kLook = 1000;  // ms: where one could not be started for want of something
  pollfd members[] = {{.fd = journal_.crew().spare.fd, .events = POLLIN, .revents = 0},
                      {.fd = journal_.crew().pager.fd, .events = POLLIN, .revents = 0}};
  (void)::poll(members, 2, kLook);
}

// One that was killed in the restore may have taken a descriptor along that was on its way: then
// the restore fails, and is undone by its session. No program runs yet that could miss anything.
void Keeper::replace_pager() {
  Journal::Crew& crew = journal_.crew();
  forget(crew.pager);
  if (is_over(journal_.phase())) return;
  const bool first = crew.pagers == 0;
  const bool in_restore = journal_.phase() == Phase::kRestoring;
  if (!first && (in_restore || !journal_.is_complete() || crew.pagers >= plan_.most_pagers)) {
    journal_.set_reason("the pager was killed");
    journal_.set_phase(in_restore ? Phase::kGone : Phase::kLost);
    return;
  }
  if (!first) close_leftovers();
  start_pager();
}

void Keeper::start_pager() {
  ++journal_.crew().pagers;
  if (fork_with_descriptors(journal_.crew().pager) != 0) return;
  ::prctl(PR_SET_NAME, "reprise-pager", 0, 0, 0);
  plan_.pager();
  ::_exit(0);
}

void Keeper::start_spare() {
  forget(journal_.crew().spare);
  if (fork_with_descriptors(journal_.crew().spare) == 0) run_spare();
}

void Keeper::run_spare() {
  ::prctl(PR_SET_NAME, "reprise-keeper", 0, 0, 0);
  Journal::Crew& crew = journal_.crew();
  pollfd keeper{.fd = crew.keeper.fd, .events = POLLIN, .revents = 0};
  while (::poll(&keeper, 1, -1) < 0 && errno == EINTR) {
  }
  // It had begun to finish, or was killed: all of that can be done again.
  ::close(std::exchange(crew.keeper.fd, -1));
  ::close(std::exchange(crew.spare.fd, -1));
  crew.spare.pid = 0;
  run();
  ::_exit(0);
}

// Files of the store that a pager had open: its successor opens them anew.
void Keeper::close_leftovers() {
  Journal::Crew& crew = journal_.crew();
  std::set<int> kept{crew.keeper.fd, crew.spare.fd};
  for (const Record& record : journal_.records()) {
    if (record.kind == RecordKind::kClosed) {
      kept.erase(record.fd);
      continue;
    }
    kept.insert(record.fd);
    if (record.kind == RecordKind::kEvent && record.message.event == UFFD_EVENT_FORK)
      kept.insert(static_cast<int>(record.message.arg.fork.ufd));
  }
  // Taken from the kernel and not committed: the pager does that.
  const Record* begun = journal_.slot();
  if (begun != nullptr && begun->message.event == UFFD_EVENT_FORK)
    kept.insert(static_cast<int>(begun->message.arg.fork.ufd));
  int next = first_own_fd_;
  for (const int fd : kept) {
    if (fd < next) continue;
    if (fd > next) ::syscall(SYS_close_range, next, fd - 1, 0);
    next = fd + 1;
  }
  ::syscall(SYS_close_range, next, ~0U, 0);
}

void Keeper::finish() {
  const auto end = [](Member& member) {
    if (member.fd >= 0) (void)::syscall(SYS_pidfd_send_signal, member.fd, SIGKILL, nullptr, 0);
    forget(member);
  };
  end(journal_.crew().pager);
  plan_.finish(journal_.phase());
  end(journal_.crew().spare);
}

}  // namespace

void keep(Journal& journal, const CrewPlan& plan, int first_own_fd) {
  Keeper(journal, plan, first_own_fd).run();
}

}  // namespace reprise::pager
