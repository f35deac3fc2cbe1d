// SPDX-License-Identifier: Apache-2.0
#include "session/context.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "host/layout.h"
#include "host/message.h"
#include "host/request.h"
#include "json/writer.h"
#include "sys/files.h"

namespace reprise::session {

void report(sys::MessageSocket& caller, const host::WorkerMessage& message) {
  // The caller of `kill` has gone long before; nobody needs to be told.
  [[maybe_unused]] const auto sent = caller.send(host::encode(message));
}

std::unique_ptr<engine::Engine> engine_for(const host::Layout& layout,
                                           const base::SessionId& session,
                                           sys::MessageListener* listener) {
  const std::filesystem::path run = layout.session_run_directory(session);
  return engine::runc_with_criu({.work_dir = layout.session_directory(session),
                                 .hook_socket = run / "hook",
                                 .pids_note = run / "pids-limit",
                                 .worker = host::find_worker()},
                                listener);
}

catalog::SessionKind kind_of(const host::WorkerRequest& request) {
  return request.is_restore() ? catalog::SessionKind::kRestore : catalog::SessionKind::kCheckpoint;
}

std::string trigger_of(const host::WorkerRequest& request) {
  return request.is_restore() ? "start"
                              : std::string(image::to_string(request.checkpoint().trigger));
}

catalog::SessionStatus status_of(const host::Outcome& outcome) {
  return outcome.ok() ? catalog::SessionStatus::kOk : catalog::SessionStatus::kFailed;
}

void Phases::begin(const std::string& name) {
  end_current();
  name_ = name;
  current_ = base::Stopwatch();
  report(*caller_, host::Phase{.name = name});
}

void Phases::end_current() {
  if (!name_.empty()) done_.emplace_back(name_, current_.elapsed_ms());
  name_.clear();
}

std::string Phases::finish() {
  end_current();
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, milliseconds] : done_) json[name] = milliseconds;
  return json_writer::print(json);
}

void prune_session_logs(const host::Layout& layout) {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, fs::path>> logs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(layout.store / "sessions", error)) {
    std::error_code ignored;
    logs.emplace_back(entry.last_write_time(ignored), entry.path());
  }
  if (logs.size() <= kKeptSessions) return;
  std::ranges::sort(logs, std::greater<>());
  for (auto old = logs.begin() + kKeptSessions; old != logs.end(); ++old) [[maybe_unused]]
    const auto removed = sys::remove_tree(old->second);
}

}  // namespace reprise::session
