// SPDX-License-Identifier: Apache-2.0
#include "cli/worker_events.h"

#include "cli/progress.h"
#include "host/worker_link.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::string log_hint(const base::SessionId& session) {
  return "see 'reprise logs " + session.str() + "'";
}

}  // namespace

Error error_of(const host::WorkerEvent& outcome, const base::SessionId& session) {
  return Error(base::error_code_named(outcome.code),
               outcome.reason.empty() ? "session '" + session.str() + "' failed" : outcome.reason)
      .with_hint(outcome.hint.empty() ? log_hint(session) : outcome.hint);
}

Result<host::WorkerEvent> follow(host::WorkerLink& link, const base::SessionId& session,
                                 const std::string& what, Io& io) {
  constexpr std::chrono::milliseconds kTick{200};
  Progress progress(io, what);
  while (true) {
    const auto message = link.socket.receive(kTick);
    progress.tick();
    if (!message && message.error().code() == ErrorCode::kBusy) continue;
    if (!message) return std::unexpected(message.error());
    if (!*message)
      return std::unexpected(
          Error(ErrorCode::kGone, "its worker ended without saying what came of it")
              .with_hint(log_hint(session)));
    host::WorkerEvent event = REPRISE_PASS(host::decode_worker_event(**message));
    if (event.kind == host::WorkerEventKind::kPhase) progress.set_phase(event.phase);
    if (event.kind != host::WorkerEventKind::kOutcome) continue;
    if (!event.ok) return std::unexpected(error_of(event, session));
    return event;
  }
}

}  // namespace reprise::cli
