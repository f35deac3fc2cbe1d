// SPDX-License-Identifier: Apache-2.0
#include "install/containerd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "sys/child.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/unique_fd.h"

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

std::vector<std::string> words_of(const path& process) {
  std::vector<std::string> words;
  const auto text = sys::read_file(process / "cmdline");
  if (!text) return words;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\0', at), text->size());
    words.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return words;
}

path config_in(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    for (const std::string_view option : {"--config", "-config", "-c", "--c"}) {
      if (words[i] == option && i + 1 < words.size()) return words[i + 1];
      if (words[i].starts_with(std::string(option) + "="))
        return words[i].substr(option.size() + 1);
    }
  }
  return "/etc/containerd/config.toml";
}

// "containerd.service" of "0::/system.slice/containerd.service".
std::string unit_of(const path& process) {
  const auto text = sys::read_file(process / "cgroup");
  if (!text) return {};
  const std::size_t end = text->find(".service\n");
  if (end == std::string::npos) return {};
  const std::size_t begin = text->rfind('/', end);
  return text->substr(begin + 1, end - begin - 1) + ".service";
}

bool answers(const path& socket) {
  const sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
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
  return sys::send_signal(pidfd, SIGTERM);
}

}  // namespace

Result<Containerd> find_containerd(const path& config) {
  std::string others;
  for (const pid_t pid : sys::processes_in("/proc")) {
    const path process = path("/proc") / std::to_string(pid);
    const auto name = sys::read_file(process / "comm");
    if (!name || *name != "containerd\n") continue;
    const auto ref = sys::process_ref(pid);
    if (!ref) continue;
    const path own_config = config_in(words_of(process));
    if (own_config != config) {
      others += (others.empty() ? "'" : ", '") + own_config.string() + "'";
      continue;
    }
    Containerd found{.process = *ref,
                     .program = sys::link_target(process / "exe"),
                     .config = config,
                     .unit = unit_of(process),
                     .major = 0};
    found.major =
        major_version(REPRISE_TRY(sys::run_ok({found.program.string(), "--version"}, kAnswers),
                                  "asking containerd for its version"));
    return found;
  }
  return std::unexpected(
      Error(ErrorCode::kNotFound, "no containerd with configuration '" + config.string() +
                                      "' runs on this node" +
                                      (others.empty() ? "" : "; there are ones with " + others))
          .with_hint("Reprise needs containerd; if its file is another one, name it: "
                     "containerd.config"));
}

Result<ContainerdFacts> read_facts(const Containerd& containerd, const path& runtime) {
  std::vector<std::string> words{containerd.program.string()};
  if (REPRISE_PASS(sys::exists(containerd.config)))
    words.insert(words.end(), {"--config", containerd.config.string()});
  words.insert(words.end(), {"config", "dump"});
  const std::string dump =
      REPRISE_TRY(sys::run_ok(words, kAnswers), "asking containerd for its configuration");
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
      count += text && *text == runtime.string() ? 1U : 0U;
    }
  return count;
}

}  // namespace reprise::install
