// SPDX-License-Identifier: Apache-2.0
#include "session/context.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "json/writer.h"
#include "sys/files.h"

namespace reprise::session {

void report(sys::MessageSocket& caller, const container::WorkerEvent& event) {
  // The caller of `kill` has gone long before; nobody needs to be told.
  [[maybe_unused]] const auto sent = caller.send(container::encode(event));
}

container::WorkerEvent failed_outcome(const base::Error& error) {
  container::WorkerEvent event;
  event.kind = container::WorkerEventKind::kOutcome;
  event.code = base::to_string(error.code());
  event.reason = error.message();
  event.hint = error.hint();
  return event;
}

void Phases::begin(const std::string& name) {
  end_current();
  name_ = name;
  current_ = base::Stopwatch();
  container::WorkerEvent event;
  event.phase = name;
  report(*caller_, event);
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

void prune_session_logs(const container::Layout& layout) {
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
