// SPDX-License-Identifier: Apache-2.0
#include "engine/criu_hook.h"

#include <cmath>
#include <cstdlib>

#include "sys/files.h"

namespace reprise::engine {

using base::Result;

namespace {

constexpr std::string_view kQuestion = "post-dump";
constexpr std::string_view kProceedText = "proceed";
constexpr std::string_view kAbortText = "abort";
// One for the session, one for its guard; a third would mean that both died.
constexpr int kAttempts = 2;

std::optional<double> uptime_seconds(const std::filesystem::path& file) {
  const Result<std::string> text = sys::read_file(file);
  if (!text || text->empty()) return std::nullopt;
  return std::strtod(text->c_str(), nullptr);
}

}  // namespace

Verdict ask_for_verdict(const std::filesystem::path& address) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<sys::MessageSocket> socket = sys::MessageSocket::connect(address);
    if (!socket) return Verdict::kAbort;
    if (!socket->send(kQuestion)) continue;
    const Result<std::optional<std::string>> reply = socket->receive();
    if (reply && reply->has_value())
      return **reply == kProceedText ? Verdict::kProceed : Verdict::kAbort;
  }
  return Verdict::kAbort;
}

Result<sys::MessageSocket> accept_question(sys::MessageListener& listener) {
  sys::MessageSocket socket = REPRISE_PASS(listener.accept());
  constexpr std::chrono::seconds kLimit{5};
  const std::optional<std::string> question = REPRISE_PASS(socket.receive(kLimit));
  if (question != kQuestion)
    return base::fail(base::ErrorCode::kInvalidInput, "an unknown question on the hook's socket");
  return socket;
}

Result<void> answer(sys::MessageSocket& question, Verdict verdict) {
  return question.send(verdict == Verdict::kProceed ? kProceedText : kAbortText);
}

std::vector<std::pair<std::string, std::string>> hook_variables(
    const HookEnvironment& environment) {
  return {{"REPRISE_HOOK_SOCKET", environment.socket.string()},
          {"REPRISE_HOOK_WORKER", environment.worker.string()},
          {"REPRISE_HOOK_FREEZE_FILE", environment.freeze_file.string()}};
}

std::filesystem::path hook_script(const std::filesystem::path& worker) {
  return worker.parent_path() / "criu-hook";
}

std::optional<std::chrono::milliseconds> frozen_for(const std::filesystem::path& freeze_file) {
  const std::optional<double> begin = uptime_seconds(freeze_file);
  const std::optional<double> now = uptime_seconds("/proc/uptime");
  if (!begin || !now) return std::nullopt;
  constexpr double kMillisPerSecond = 1000;
  return std::chrono::milliseconds(std::lround((*now - *begin) * kMillisPerSecond));
}

}  // namespace reprise::engine
