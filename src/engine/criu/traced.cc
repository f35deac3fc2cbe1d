// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/traced.h"

#include <charconv>
#include <string>
#include <system_error>

#include "container/task_tree.h"
#include "sys/files.h"

namespace reprise::engine {

namespace {

template <typename Number>
std::optional<Number> leading_number(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

pid_t tracer_of(const std::filesystem::path& thread) {
  const std::string status = sys::read_file(thread / "status").value_or("");
  return leading_number<pid_t>(container::status_field(status, "TracerPid")).value_or(0);
}

std::optional<long> system_call_of(const std::filesystem::path& thread) {
  // "101 0x4206 …" where it is blocked, "running" where it is not.
  return leading_number<long>(sys::read_file(thread / "syscall").value_or(""));
}

}  // namespace reprise::engine
