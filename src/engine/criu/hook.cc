// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/hook.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "engine/criu/hook_protocol.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

namespace {

constexpr std::array<std::pair<std::string_view, HookStep>, 5> kSteps = {{
    {hook::kNetworkLock, HookStep::kNetworkLock},
    {hook::kPostDump, HookStep::kPostDump},
    {hook::kSetupNamespaces, HookStep::kSetupNamespaces},
    {hook::kPostRestore, HookStep::kPostRestore},
    {hook::kPreResume, HookStep::kPreResume},
}};

std::optional<std::pair<HookStep, pid_t>> parse_question(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  pid_t init = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + blank + 1, end, init);
  if (error != std::errc() || rest != end || init < 0) return std::nullopt;
  for (const auto& [name, step] : kSteps)
    if (text.substr(0, blank) == name) return std::pair(step, init);
  return std::nullopt;
}

}  // namespace

Result<HookQuestion> accept_question(sys::MessageListener& listener) {
  sys::MessageSocket socket = REPRISE_PASS(listener.accept());
  constexpr std::chrono::seconds kLimit{5};
  const std::optional<std::string> text = REPRISE_PASS(socket.receive(kLimit));
  const auto question = text ? parse_question(*text) : std::nullopt;
  if (!question)
    return base::fail(base::ErrorCode::kInvalidInput, "an unknown question on the hook's socket");
  return HookQuestion{
      .step = question->first, .init = question->second, .socket = std::move(socket)};
}

Result<void> answer(HookQuestion& question, Verdict verdict) {
  return question.socket.send(verdict == Verdict::kProceed ? hook::kProceed : hook::kAbort);
}

std::vector<std::pair<std::string, std::string>> hook_variables(
    const HookEnvironment& environment) {
  return {{hook::kSocketVariable, environment.socket.string()},
          {hook::kFreezeFileVariable, environment.freeze_file.string()},
          {hook::kAskFrozenVariable, environment.ask_when_frozen ? "yes" : ""},
          {hook::kLoopbackVariable, environment.set_loopback_up ? "up" : ""},
          {hook::kLeaveVariable, environment.leave_file.string()},
          {hook::kPidsVariable, environment.pids_note.string()}};
}

Result<void> put_pids_limit_back(const std::filesystem::path& note) {
  const Result<std::string> text = sys::read_file(note);
  if (!text && text.error().code() == base::ErrorCode::kNotFound) return {};
  if (!text) return std::unexpected(text.error());
  const std::size_t line = text->find('\n');
  if (line != std::string::npos) {
    const auto written =
        sys::write_control_file(text->substr(0, line), std::string_view(*text).substr(line + 1));
    if (!written && written.error().code() != base::ErrorCode::kNotFound &&
        written.error().code() != base::ErrorCode::kGone)
      return std::unexpected(written.error());
  }
  return sys::remove_tree(note);
}

std::filesystem::path hook_program(const std::filesystem::path& worker) {
  return worker.parent_path() / "criu-hook";
}

std::filesystem::path leave_file(const std::filesystem::path& work_dir) {
  return work_dir / "may-run";
}

Result<void> give_leave(const std::filesystem::path& work_dir) {
  return sys::replace_file(leave_file(work_dir), "");
}

std::filesystem::path freeze_file(const std::filesystem::path& work_dir) {
  return work_dir / "frozen-at";
}

std::optional<std::chrono::milliseconds> frozen_for(const std::filesystem::path& file) {
  const Result<std::string> text = sys::read_file(file);
  if (!text || text->empty()) return std::nullopt;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  constexpr double kNanosPerMilli = 1e6;
  constexpr double kMillisPerSecond = 1e3;
  const double now_ms = static_cast<double>(now.tv_sec) * kMillisPerSecond +
                        static_cast<double>(now.tv_nsec) / kNanosPerMilli;
  return std::chrono::milliseconds(
      std::lround(now_ms - std::strtod(text->c_str(), nullptr) * kMillisPerSecond));
}

}  // namespace reprise::engine
