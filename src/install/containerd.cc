// SPDX-License-Identifier: Apache-2.0
#include "install/containerd.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include "install/containerd_process.h"
#include "sys/child.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/unique_fd.h"
#include "sys/unix_socket.h"

namespace reprise::install {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using std::chrono::seconds;
using std::filesystem::path;

namespace {

constexpr seconds kAnswers{60};
constexpr std::chrono::milliseconds kPace{100};

// By the descriptor of what was looked at: whatever lies at its path by now.
Result<std::string> ask(const Containerd& containerd, std::vector<std::string> words) {
  sys::SpawnOptions options{.argv = std::move(words), .env = sys::default_environment()};
  options.argv.insert(options.argv.begin(),
                      "/proc/self/fd/" + std::to_string(containerd.program.get()));
  sys::RunResult done = REPRISE_PASS(sys::run(std::move(options), kAnswers));
  if (done.status.success()) return std::move(done.out);
  return fail(ErrorCode::kIo, "'" + containerd.program_path.string() + "' failed (" +
                                  done.status.describe() + "): " + sys::last_line(done.err));
}

bool answers(const path& socket) {
  const sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return sys::connect_to(fd, socket).has_value();
}

Result<void> ask_for_restart(const Containerd& containerd, Restart how) {
  if (how == Restart::kSystemd) {
    if (containerd.unit.empty())
      return std::unexpected(
          Error(ErrorCode::kUnsupported, "containerd is no unit of systemd on this node")
              .with_hint("start it again by hand, and say so: containerd.restart=never"));
    return REPRISE_PASS(sys::run_ok({"systemctl", "restart", containerd.unit}, kAnswers)),
           Result<void>();
  }
  const sys::UniqueFd pidfd = REPRISE_PASS(sys::open_pidfd(containerd.process.pid));
  if (!sys::is_alive(containerd.process))  // the pid may be another's by now
    return fail(ErrorCode::kGone, "containerd has ended meanwhile");
  return sys::send_signal(pidfd, SIGTERM);
}

}  // namespace

Result<Containerd> find_containerd(const path& config) {
  ContainerdProcess process = REPRISE_PASS(containerd_process("/proc", config));
  const sys::ProcessRef ref = REPRISE_PASS(sys::process_ref(process.pid));
  // While this can be read, its pid is nobody else's.
  REPRISE_TRY(sys::read_file("/proc/self/fd/" + std::to_string(process.directory.get()) + "/comm"),
              "looking at containerd, which has ended just now");
  Containerd found{.process = ref,
                   .program = std::move(process.program),
                   .program_path = process.program_path,
                   .config = config,
                   .unit = process.unit,
                   .major = 0};
  found.major =
      major_version(REPRISE_TRY(ask(found, {"--version"}), "asking containerd for its version"));
  return found;
}

Result<ContainerdFacts> read_facts(const Containerd& containerd, const path& runtime) {
  std::vector<std::string> words;
  if (REPRISE_PASS(sys::exists(containerd.config))) words = {"--config", containerd.config};
  words.insert(words.end(), {"config", "dump"});
  const std::string dump =
      REPRISE_TRY(ask(containerd, std::move(words)), "asking containerd for its configuration");
  return facts_of(dump, runtime);
}

Result<void> restart(const Containerd& containerd, const ContainerdFacts& facts, Restart how) {
  REPRISE_TRY(ask_for_restart(containerd, how), "starting containerd again");
  const auto end = std::chrono::steady_clock::now() + kAnswers;
  while (std::chrono::steady_clock::now() < end) {
    if (!sys::is_alive(containerd.process) && answers(facts.socket)) return {};
    std::this_thread::sleep_for(kPace);
  }
  return fail(ErrorCode::kBusy, "containerd was told to start again, and does not answer at '" +
                                    facts.socket.string() + "'");
}

Result<std::size_t> containers_of(const ContainerdFacts& facts, const path& runtime) {
  std::size_t count = 0;
  const path tasks = facts.state / "io.containerd.runtime.v2.task";
  if (!REPRISE_PASS(sys::exists(tasks))) return count;
  for (const std::string& space : REPRISE_PASS(sys::names_in(tasks)))
    for (const std::string& task : REPRISE_PASS(sys::names_in(tasks / space))) {
      const auto text = sys::read_file(tasks / space / task / "runtime");
      // Ended meanwhile, or another shim's.
      if (!text && text.error().code() == ErrorCode::kNotFound) continue;
      count += REPRISE_PASS(text) == runtime.string() ? 1U : 0U;
    }
  return count;
}

}  // namespace reprise::install
