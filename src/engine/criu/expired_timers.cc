// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/expired_timers.h"

#include <sys/ioctl.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <charconv>
#include <string>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::engine {

using base::Result;

namespace {

// linux/timerfd.h, which cannot be included beside sys/timerfd.h.
constexpr unsigned long kSetTicks = _IOW('T', 0, std::uint64_t);

struct Seconds {
  std::int64_t s = 0;
  std::int64_t ns = 0;
};

// "(3, 500)", as fs/timerfd.c prints times.
std::optional<Seconds> parse_seconds(std::string_view text) {
  if (!text.starts_with('(')) return std::nullopt;
  text.remove_prefix(1);
  Seconds seconds;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, seconds.s);
  if (error != std::errc() || end - rest < 2 || rest[0] != ',') return std::nullopt;
  const auto [last, second_error] = std::from_chars(rest + 2, end, seconds.ns);
  if (second_error != std::errc() || last == end || *last != ')') return std::nullopt;
  return seconds;
}

Result<void> restart(pid_t process, int fd, const ExpiredTimer& timer) {
  const sys::UniqueFd copy = REPRISE_PASS(sys::copy_descriptor(process, fd));
  itimerspec setting{};
  setting.it_interval = {.tv_sec = timer.interval_s, .tv_nsec = timer.interval_ns};
  setting.it_value = setting.it_interval;
  const std::string what = "restarting timerfd " + std::to_string(fd);
  if (::timerfd_settime(copy.get(), 0, &setting, nullptr) != 0)
    return base::fail_errno(errno, what);
  if (::ioctl(copy.get(), kSetTicks, &timer.ticks) != 0) return base::fail_errno(errno, what);
  return {};
}

Result<void> restart_in(const std::filesystem::path& process, pid_t pid) {
  Result<void> first{};
  for (const auto& [fd, target] : sys::open_files_of(process)) {
    if (target != "anon_inode:[timerfd]") continue;
    const auto fdinfo = sys::read_file(process / "fdinfo" / std::to_string(fd));
    const auto timer = fdinfo ? parse_expired_timer(*fdinfo) : std::nullopt;
    if (!timer) continue;
    const Result<void> restarted = restart(pid, fd, *timer);
    if (!restarted && first) first = restarted;
  }
  return first;
}

}  // namespace

std::optional<ExpiredTimer> parse_expired_timer(std::string_view fdinfo) {
  const auto left = parse_seconds(container::status_field(fdinfo, "it_value"));
  const auto interval = parse_seconds(container::status_field(fdinfo, "it_interval"));
  const std::string ticks_text = container::status_field(fdinfo, "ticks");
  std::uint64_t ticks = 0;
  std::from_chars(ticks_text.data(), ticks_text.data() + ticks_text.size(), ticks);
  if (!left || !interval) return std::nullopt;
  const bool periodic = interval->s != 0 || interval->ns != 0;
  // One that the program has switched off has no ticks: setting a timer clears them.
  if (left->s != 0 || left->ns != 0 || !periodic || ticks == 0) return std::nullopt;
  return ExpiredTimer{.ticks = ticks, .interval_s = interval->s, .interval_ns = interval->ns};
}

Result<void> restart_expired_timers(const std::filesystem::path& proc, pid_t init) {
  Result<void> first{};
  for (const pid_t pid : container::processes_of(proc, init)) {
    const Result<void> restarted = restart_in(proc / std::to_string(pid), pid);
    if (!restarted && first) first = restarted;
  }
  return first;
}

}  // namespace reprise::engine
