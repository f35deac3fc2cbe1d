// SPDX-License-Identifier: Apache-2.0
#include "runtime/unsettled.h"

#include <chrono>
#include <thread>

#include "host/abandoned_sessions.h"
#include "host/request.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// Not of one whose request cannot be read: whose it is, only the catalog knows.
bool is_of(const Call& call, const base::SessionId& session, const host::Identity& who) {
  const auto text = sys::read_file(host::request_file(call.layout.session_run_directory(session)));
  const auto request = text ? host::decode_worker_request(*text) : std::unexpected(text.error());
  return request && call.layout.lock_of(host::identity_of(*request)) == call.layout.lock_of(who);
}

}  // namespace

Result<void> check_settled(const Call& call, const base::SessionId& session) {
  // A guard that settled it may be about to remove what it noted.
  constexpr std::chrono::seconds kMoment{2};
  constexpr std::chrono::milliseconds kInterval{20};
  const auto noted = host::request_file(call.layout.session_run_directory(session));
  const auto deadline = std::chrono::steady_clock::now() + kMoment;
  while (REPRISE_PASS(sys::exists(noted)) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kInterval);
  if (!REPRISE_PASS(sys::exists(noted))) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy, "session '" + session.str() + "' was cut off and is not settled yet")
          .with_hint("try again: the next 'reprise' command settles it; 'reprise logs " +
                     session.str() + "' says more"));
}

Result<void> settle_sessions_of(const Call& call, const host::Identity& who) {
  for (const base::SessionId& session : REPRISE_PASS(host::abandoned_sessions(call.layout))) {
    if (!is_of(call, session, who)) continue;
    recover(call, session);
    REPRISE_PASS(check_settled(call, session));
  }
  return {};
}

}  // namespace reprise::runtime
