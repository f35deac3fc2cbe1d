// SPDX-License-Identifier: Apache-2.0
#include "sys/affinity.h"

#include <sched.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr int kMostCpus = 8192;  // NR_CPUS_RANGE_END of the kernel's x86 Kconfig

Result<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number >= kMostCpus)
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is not a CPU's number");
  return number;
}

}  // namespace

Result<std::vector<int>> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(range.size());
    if (!text.empty()) text.remove_prefix(1);
    const std::size_t dash = range.find('-');
    const int first = REPRISE_PASS(parse_number(range.substr(0, dash)));
    const int last =
        dash == std::string_view::npos ? first : REPRISE_PASS(parse_number(range.substr(dash + 1)));
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

Result<void> set_affinity(pid_t tid, std::string_view cpu_list) {
  const std::vector<int> cpus = REPRISE_PASS(parse_cpu_list(cpu_list));
  const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
  const std::unique_ptr<cpu_set_t, decltype(free_set)> set(CPU_ALLOC(kMostCpus), free_set);
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(bytes, set.get());
  for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), bytes, set.get());
  if (::sched_setaffinity(tid, bytes, set.get()) == 0) return {};
  const std::string what =
      "binding thread " + std::to_string(tid) + " to CPUs '" + std::string(cpu_list) + "'";
  if (errno == EINVAL) return fail(ErrorCode::kInvalidInput, what + ": it may use none of them");
  return base::fail_errno(errno, what);
}

}  // namespace reprise::sys
