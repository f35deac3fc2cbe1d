// SPDX-License-Identifier: Apache-2.0
#include "operations/container/worker_events.h"

#include "host/message.h"
#include "host/worker_link.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::string log_hint(const base::SessionId& session) {
  return "see 'reprise logs " + session.str() + "'";
}

}  // namespace

Error error_of(const host::Outcome& outcome, const base::SessionId& session) {
  return Error(outcome.code,
               outcome.reason.empty() ? "session '" + session.str() + "' failed" : outcome.reason)
      .with_hint(outcome.hint.empty() ? log_hint(session) : outcome.hint);
}

Result<host::Outcome> follow(host::WorkerLink& link, const base::SessionId& session,
                             const std::string& what, Progress& progress) {
  constexpr std::chrono::milliseconds kTick{200};
  const Work work(progress, what);
  while (true) {
    Result<host::WorkerMessage> message = host::next_message(link, kTick);
    progress.tick();
    if (!message && message.error().code() == ErrorCode::kBusy) continue;
    if (!message && message.error().code() == ErrorCode::kGone)
      return std::unexpected(
          Error(ErrorCode::kGone, "its worker ended without saying what came of it")
              .with_hint(log_hint(session)));
    if (!message) return std::unexpected(std::move(message).error());
    if (const auto* phase = std::get_if<host::Phase>(&*message)) progress.step(phase->name);
    auto* outcome = std::get_if<host::Outcome>(&*message);
    if (outcome == nullptr) continue;
    if (!outcome->ok()) return std::unexpected(error_of(*outcome, session));
    return std::move(*outcome);
  }
}

}  // namespace reprise::operations
