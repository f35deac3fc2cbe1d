// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/timer_threads.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>

#include "container/task_tree.h"
#include "image/criu_core.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

namespace {

template <typename Number>
Number number_in(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<pid_t> id_inside(const std::filesystem::path& task) {
  const std::string status = REPRISE_PASS(sys::read_file(task / "status"));
  const pid_t id = container::innermost_tid(status);
  if (id == 0)
    return base::fail(base::ErrorCode::kUnsupported, "this kernel does not tell a thread's ids");
  return id;
}

Result<void> mend(const std::filesystem::path& spool, const std::filesystem::path& process) {
  // A kernel may have no such file.
  const auto threads = parse_timer_threads(sys::read_file(process / "timers").value_or(""));
  if (threads.empty()) return {};
  std::map<std::uint32_t, std::int32_t> inside;
  for (const auto& [timer, thread] : threads)
    inside[timer] =
        thread == 0 ? 0 : REPRISE_PASS(id_inside(process / "task" / std::to_string(thread)));
  const std::filesystem::path file =
      spool / ("core-" + std::to_string(REPRISE_PASS(id_inside(process))) + ".img");
  const std::string core = REPRISE_PASS(sys::read_file(file));
  return sys::replace_file(file, REPRISE_PASS(image::set_timer_threads(core, inside)));
}

}  // namespace

std::map<std::uint32_t, pid_t> parse_timer_threads(std::string_view timers) {
  // "ID: 0", "signal: 10/0000000001234567", "notify: signal/tid.4711", "ClockID: 1"
  constexpr std::string_view kNumber = "ID: ";
  // Others signal nobody.
  constexpr std::string_view kNotify = "notify: signal/tid.";
  std::map<std::uint32_t, pid_t> threads;
  std::uint32_t number = 0;
  std::istringstream lines{std::string(timers)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kNumber))
      number = number_in<std::uint32_t>(std::string_view(line).substr(kNumber.size()));
    if (line.starts_with(kNotify))
      threads[number] = number_in<pid_t>(std::string_view(line).substr(kNotify.size()));
  }
  return threads;
}

bool has_timer_threads(const std::filesystem::path& proc, pid_t init) {
  return std::ranges::any_of(container::processes_of(proc, init), [&proc](pid_t pid) {
    const auto timers = sys::read_file(proc / std::to_string(pid) / "timers");
    return timers && !parse_timer_threads(*timers).empty();
  });
}

Result<void> mend_timer_threads(const std::filesystem::path& spool,
                                const std::filesystem::path& proc, pid_t init) {
  for (const pid_t pid : container::processes_of(proc, init))
    REPRISE_PASS(mend(spool, proc / std::to_string(pid)));
  return {};
}

}  // namespace reprise::engine
