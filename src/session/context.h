// SPDX-License-Identifier: Apache-2.0
//
// What every session works with, and how it reports.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "engine/engine.h"
#include "host/identity.h"
#include "host/layout.h"
#include "host/message.h"
#include "host/request.h"
#include "oci/runtime.h"
#include "session/undo/journal.h"
#include "store/store.h"
#include "sys/message_socket.h"

namespace reprise::session {

// Owned by the worker's main; outlives the session.
struct Context {
  host::Layout layout;
  host::WorkerRequest request;
  store::Store store;
  sys::MessageSocket caller;  // may be closed by the caller at any time
  std::unique_ptr<engine::Engine> engine;
  std::filesystem::path proc = "/proc";  // where it is looked for what cannot be saved
  catalog::Retention retention;          // for the checkpoints that a new one supersedes

  [[nodiscard]] base::ContainerKey key() const { return host::key_of(request); }
  [[nodiscard]] host::Identity who() const { return host::identity_of(request); }
  [[nodiscard]] oci::Runtime runtime() const { return host::runtime_of(layout, request); }
  [[nodiscard]] std::filesystem::path directory() const {
    return layout.session_directory(request.session);
  }
  [[nodiscard]] std::filesystem::path network_baseline() const {
    return layout.network_baseline_of(who());
  }
  [[nodiscard]] undo::Journal journal() const { return {layout, request.session}; }
};

// `listener` as engine::runc_with_criu() has it.
std::unique_ptr<engine::Engine> engine_for(const host::Layout& layout,
                                           const base::SessionId& session,
                                           sys::MessageListener* listener);

// The longest that a restore waits for `runc restore`, which reads about 1 GB per second.
inline constexpr std::chrono::minutes kRestoreLimit{10};

// Names the phases of one session, times them, and tells the caller when one begins.
class Phases {
 public:
  explicit Phases(sys::MessageSocket& caller) : caller_(&caller) {}
  // Ends the current phase and begins `name`.
  void begin(const std::string& name);
  // Ends the current phase; {"dump":210,…} in the order in which they ran.
  [[nodiscard]] std::string finish();
  [[nodiscard]] std::int64_t total_ms() const { return total_.elapsed_ms(); }

 private:
  void end_current();
  sys::MessageSocket* caller_;
  base::Stopwatch total_;
  base::Stopwatch current_;
  std::string name_;
  std::vector<std::pair<std::string, std::int64_t>> done_;
};

// A caller that has gone is not an error.
void report(sys::MessageSocket& caller, const host::WorkerMessage& message);

// What the catalog says of a session.
catalog::SessionKind kind_of(const host::WorkerRequest& request);
std::string trigger_of(const host::WorkerRequest& request);
catalog::SessionStatus status_of(const host::Outcome& outcome);

// Removes the logs of all but the newest kKeptSessions sessions.
void prune_session_logs(const host::Layout& layout);
inline constexpr std::size_t kKeptSessions = 500;

}  // namespace reprise::session
