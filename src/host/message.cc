// SPDX-License-Identifier: Apache-2.0
#include "host/message.h"

#include "host/internal/codec.h"

namespace reprise::host {

using base::Result;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 3> kEvents = {"phase", "ready", "outcome"};

// The version before insists on every field, also on those of other events.
json every_field() {
  return json{
      {"phase", ""},      {"image_path", ""}, {"work_path", ""}, {"environment", json::array()},
      {"ok", false},      {"code", ""},       {"reason", ""},    {"hint", ""},
      {"checkpoint", ""}, {"freeze_ms", 0},   {"total_ms", 0},   {"bytes", 0}};
}

void put(json& j, const Phase& phase) { j["phase"] = phase.name; }

void put(json& j, const Ready& ready) {
  j["argv"] = words_to_json(ready.argv);
  j["environment"] = ready.environment;
  j["image_path"] = ready.image_path;
  j["work_path"] = ready.work_path;
}

void put(json& j, const Outcome& outcome) {
  j["ok"] = outcome.ok();
  j["code"] = outcome.ok() ? "" : base::to_string(outcome.code);
  j["reason"] = outcome.reason;
  j["hint"] = outcome.hint;
  j["checkpoint"] = outcome.checkpoint.str();
  j["freeze_ms"] = outcome.freeze_ms;
  j["total_ms"] = outcome.total_ms;
  j["bytes"] = outcome.bytes;
}

Ready ready_in(const json& j) {
  Ready ready;
  ready.argv = words_from_json(j.value("argv", json::array()));
  ready.environment = j.value("environment", Ready::Environment{});
  ready.image_path = j.value("image_path", "");
  ready.work_path = j.value("work_path", "");
  return ready;
}

Outcome outcome_in(const json& j) {
  Outcome outcome;
  // How it ended must be said.
  outcome.status = j.at("ok").get<bool>() ? Outcome::Status::kDone : Outcome::Status::kFailed;
  outcome.code = base::error_code_named(j.value("code", ""));
  outcome.reason = j.value("reason", "");
  outcome.hint = j.value("hint", "");
  outcome.checkpoint = id_from<base::CheckpointId>(j.value("checkpoint", ""));
  outcome.freeze_ms = j.value("freeze_ms", std::int64_t{0});
  outcome.total_ms = j.value("total_ms", std::int64_t{0});
  outcome.bytes = j.value("bytes", std::uint64_t{0});
  return outcome;
}

}  // namespace

std::string encode(const WorkerMessage& message) {
  json j = every_field();
  j["event"] = kEvents.at(message.index());
  std::visit([&j](const auto& what) { put(j, what); }, message);
  return json_writer::print(j);
}

Result<WorkerMessage> decode_worker_message(const std::string& text) {
  return guarded("message", [&]() -> WorkerMessage {
    const json j = json_reader::parse(text);
    switch (index_of(kEvents, j.at("event").get<std::string>())) {
      case 0:
        return Phase{.name = j.at("phase").get<std::string>()};
      case 1:
        return ready_in(j);
      default:
        return outcome_in(j);
    }
  });
}

Outcome failed_outcome(const base::Error& error) {
  return {.status = Outcome::Status::kFailed,
          .code = error.code(),
          .reason = error.message(),
          .hint = error.hint(),
          .checkpoint = {}};
}

base::Error error_of(const Outcome& outcome) {
  return base::Error(outcome.code, outcome.reason).with_hint(outcome.hint);
}

std::string encode_restored(int exit_code) {
  return json_writer::print(json{{"restored", exit_code}});
}

Result<int> decode_restored(const std::string& text) {
  return guarded("answer", [&] { return json_reader::parse(text).at("restored").get<int>(); });
}

std::string encode_heard() { return json_writer::print(json{{"heard", true}}); }

bool is_heard(const std::string& text) {
  const auto heard =
      guarded("answer", [&] { return json_reader::parse(text).value("heard", false); });
  return heard && *heard;
}

}  // namespace reprise::host
