// SPDX-License-Identifier: Apache-2.0
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "attributes/internal/attribute_kinds.h"
#include "sys/files.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::Result;
using std::filesystem::path;

namespace {

using Value = std::optional<std::string>;

// As the kernel has it (uapi/linux/sched/types.h), which cannot be included beside <sched.h>.
struct SchedulerAttributes {
  std::uint32_t size = sizeof(SchedulerAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
  std::uint32_t least_clamp = 0;
  std::uint32_t most_clamp = 0;
};

std::optional<SchedulerAttributes> scheduler_attributes(pid_t tid) {
  SchedulerAttributes attributes;
  if (::syscall(SYS_sched_getattr, tid, &attributes, sizeof(attributes), 0) != 0)
    return std::nullopt;
  return attributes;
}

template <typename Change>
Result<void> change_scheduler(pid_t tid, const Change& change) {
  auto attributes = scheduler_attributes(tid);
  if (!attributes) return base::fail_errno(errno, "reading");
  change(*attributes);
  if (::syscall(SYS_sched_setattr, tid, &*attributes, 0) != 0)
    return base::fail_errno(errno, "setting");
  return {};
}

Value trimmed(Result<std::string> text) {
  if (!text) return std::nullopt;
  while (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

template <typename Number>
Result<Number> number_in(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(ErrorCode::kCorrupt, "'" + text + "' is no number");
  return number;
}

// --- I/O priority

// What the kernel makes of none (block/ioprio.c): it follows the scheduler.
long derived_io_priority(const SchedulerAttributes& scheduler) {
  constexpr int kLowestNice = 20;
  constexpr int kNiceLevels = 5;
  const auto level = static_cast<unsigned>(scheduler.nice + kLowestNice) / kNiceLevels;
  unsigned group = IOPRIO_CLASS_BE;
  if (scheduler.policy == SCHED_FIFO || scheduler.policy == SCHED_RR) group = IOPRIO_CLASS_RT;
  if (scheduler.policy == SCHED_IDLE) group = IOPRIO_CLASS_IDLE;
  return static_cast<long>(group << IOPRIO_CLASS_SHIFT | level);
}

Value read_io_priority(const path&, pid_t tid) {
  const long value = ::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
  const auto scheduler = scheduler_attributes(tid);
  if (value < 0 || IOPRIO_PRIO_CLASS(value) == IOPRIO_CLASS_NONE) return std::nullopt;
  if (scheduler && value == derived_io_priority(*scheduler)) return std::nullopt;
  return std::to_string(value);
}

Result<void> set_io_priority(const path&, pid_t tid, const std::string& value) {
  const int number = REPRISE_PASS(number_in<int>(value));
  if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, number) != 0)
    return base::fail_errno(errno, "setting");
  return {};
}

// --- timer slack: the file is one of a process, but every thread has such a directory

Value read_timer_slack(const path& task, pid_t) {
  return trimmed(sys::read_file(task / "timerslack_ns"));
}

Result<void> set_timer_slack(const path& task, pid_t, const std::string& value) {
  return sys::write_control_file(task / "timerslack_ns", value);
}

// --- scheduler: CRIU keeps policy, priority and nice value

Value read_slice(const path&, pid_t tid) {
  const auto scheduler = scheduler_attributes(tid);
  if (!scheduler || (scheduler->policy != SCHED_OTHER && scheduler->policy != SCHED_BATCH))
    return std::nullopt;
  return std::to_string(scheduler->runtime);
}

Result<void> set_slice(const path&, pid_t tid, const std::string& value) {
  const auto slice = REPRISE_PASS(number_in<std::uint64_t>(value));
  return change_scheduler(tid, [&](SchedulerAttributes& one) { one.runtime = slice; });
}

Value read_clamps(const path&, pid_t tid) {
  const auto scheduler = scheduler_attributes(tid);
  if (!scheduler) return std::nullopt;
  return std::to_string(scheduler->least_clamp) + "-" + std::to_string(scheduler->most_clamp);
}

Result<void> set_clamps(const path&, pid_t tid, const std::string& value) {
  constexpr std::uint64_t kLeastClamp = 0x20;  // SCHED_FLAG_UTIL_CLAMP_MIN
  constexpr std::uint64_t kMostClamp = 0x40;
  const std::size_t dash = value.find('-');
  const auto least = REPRISE_PASS(number_in<std::uint32_t>(value.substr(0, dash)));
  const auto most = REPRISE_PASS(
      number_in<std::uint32_t>(dash == std::string::npos ? std::string() : value.substr(dash + 1)));
  return change_scheduler(tid, [&](SchedulerAttributes& one) {
    one.flags |= kLeastClamp | kMostClamp;
    one.least_clamp = least;
    one.most_clamp = most;
  });
}

// --- of processes

Value read_core_filter(const path& task, pid_t) {
  return trimmed(sys::read_file(task / "coredump_filter"));
}

Result<void> set_core_filter(const path& task, pid_t, const std::string& value) {
  // Written as a number of any base: what was read is hexadecimal without a sign of that.
  return sys::write_control_file(task / "coredump_filter", "0x" + value);
}

Value read_oom_score(const path& task, pid_t) {
  return trimmed(sys::read_file(task / "oom_score_adj"));
}

Result<void> set_oom_score(const path& task, pid_t, const std::string& value) {
  return sys::write_control_file(task / "oom_score_adj", value);
}

constexpr std::array kWrittenKinds = std::to_array<AttributeKind>({
    {"io-priority", SetBy::kUs, OwnedBy::kThread, Usual::kNothing, read_io_priority,
     set_io_priority},
    {"timer-slack", SetBy::kUs, OwnedBy::kThread, Usual::kOurs, read_timer_slack, set_timer_slack},
    {"time-slice", SetBy::kUs, OwnedBy::kThread, Usual::kOurs, read_slice, set_slice},
    {"utilization-clamps", SetBy::kUs, OwnedBy::kThread, Usual::kOurs, read_clamps, set_clamps},
    {"coredump-filter", SetBy::kUs, OwnedBy::kProcess, Usual::kOurs, read_core_filter,
     set_core_filter},
    {"oom-score-adj", SetBy::kUs, OwnedBy::kProcess, Usual::kNothing, read_oom_score,
     set_oom_score},
});

}  // namespace

std::span<const AttributeKind> kinds_set_by_us() { return kWrittenKinds; }

}  // namespace reprise::attributes
