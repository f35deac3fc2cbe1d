// SPDX-License-Identifier: Apache-2.0
#include "install/containerd_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::install {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::filesystem::path;

namespace {

constexpr std::size_t kNamed = 4;  // anybody can start any number

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

bool is_called_so(const path& process) {
  const auto name = sys::read_file(process / "comm");
  return name && *name == "containerd\n";
}

// By all four of its ids: a program with the set-user-ID bit is started by anybody.
bool is_of_root(const path& process) {
  const std::string text = sys::read_file(process / "status").value_or("");
  const std::string_view label = "\nUid:";
  const std::size_t at = text.find(label);
  if (at == std::string::npos) return false;
  std::istringstream ids(text.substr(at + label.size()));
  constexpr int kIds = 4;
  for (int i = 0; i < kIds; ++i)
    if (int id = -1; !(ids >> id) || id != 0) return false;
  return true;
}

// "mnt:[4026531841]"; unreadable is no answer.
bool shares(const path& process, const path& init, const char* kind) {
  const std::string own = sys::link_target(process / "ns" / kind);
  return !own.empty() && own == sys::link_target(init / "ns" / kind);
}

bool is_same_file(const path& one, const path& other) {
  struct stat a{}, b{};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

path by_descriptor(const sys::UniqueFd& fd) {
  return path("/proc/self/fd") / std::to_string(fd.get());
}

// Why it is not the node's own; nothing if it is. The mount namespace decides most: a pod that has
// the node's is privileged. One that systemd gave another (PrivateMounts=) looks the same from here
// as a pod with the node's root directory, and what it calls by a path may be something else.
std::optional<std::string> objection(const path& process, const path& init) {
  if (!is_of_root(process)) return "does not run as root";
  if (!shares(process, init, "user")) return "is in another user namespace";
  if (!shares(process, init, "pid")) return "is in another pid namespace";
  if (!shares(process, init, "mnt")) return "is in another mount namespace";
  if (!is_same_file(process / "root", init / "root")) return "has another root directory";
  return std::nullopt;
}

// What was seen on the way, for the error.
class Seen {
 public:
  void other_file(const path& config) {
    files_ += (files_.empty() ? "'" : ", '") + config.string() + "'";
  }
  void refused(pid_t pid, const std::string& why) {
    if (++count_ > kNamed) return;
    refused_ += "; process " + std::to_string(pid) + ", which is called so, " + why;
  }
  [[nodiscard]] Error none(const path& config) const {
    std::string text = "no containerd with configuration '" + config.string() +
                       "' runs on this node" +
                       (files_.empty() ? "" : "; there are ones with " + files_) + refused_;
    if (count_ > kNamed) text += "; and " + std::to_string(count_ - kNamed) + " more";
    std::string hint =
        "Reprise needs containerd; if its file is another one, name it: containerd.config";
    if (count_ > 0)
      hint +=
          "; it is to run as root in the node's own namespaces (no PrivateMounts=), by a "
          "program that was not replaced since it started";
    return Error(ErrorCode::kNotFound, std::move(text)).with_hint(std::move(hint));
  }

 private:
  std::string files_, refused_;
  std::size_t count_ = 0;
};

}  // namespace

Result<ContainerdProcess> containerd_process(const path& proc, const path& config) {
  Seen seen;
  for (const pid_t pid : sys::processes_in(proc)) {
    auto directory = sys::open_file(proc / std::to_string(pid), O_RDONLY | O_DIRECTORY);
    if (!directory) continue;  // it has ended
    const path process = by_descriptor(*directory);
    if (!is_called_so(process)) continue;
    if (const auto why = objection(process, proc / "1")) {
      seen.refused(pid, *why);
      continue;
    }
    if (const path own = config_in(words_of(process)); own != config) {
      seen.other_file(own);
      continue;
    }
    const path program = sys::link_target(process / "exe");
    auto held = sys::open_file(process / "exe", O_PATH);
    // One that it started, and that had not become another program yet.
    if (!held || !is_called_so(process)) continue;
    if (!is_same_file(by_descriptor(*held), program)) {
      seen.refused(pid, "runs no longer what is at '" + program.string() + "'");
      continue;
    }
    return ContainerdProcess{.pid = pid,
                             .directory = *std::move(directory),
                             .program = *std::move(held),
                             .program_path = program,
                             .unit = unit_of(process)};
  }
  return std::unexpected(seen.none(config));
}

}  // namespace reprise::install
