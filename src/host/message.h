// SPDX-License-Identifier: Apache-2.0
//
// What worker and caller say to each other while a session runs. JSON, as tolerant as request.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/result.h"

namespace reprise::host {

// The session has come to this phase ("dump", "seal", …). The first one, "begin", is the guard's:
// from there on the session will be settled, whoever is killed.
struct Phase {
  std::string name;
};

// All is prepared: the caller, whose child the restored container is to be, runs this.
struct Ready {
  using Environment = std::vector<std::pair<std::string, std::string>>;
  std::vector<std::string> argv;
  Environment environment;  // variables to add
  // For a caller of the version before, which puts the command together itself.
  std::string image_path;
  std::string work_path;
};

// How the session ended: the last message.
struct Outcome {
  enum class Status : std::uint8_t { kDone, kFailed } status = Status::kFailed;
  base::ErrorCode code = base::ErrorCode::kInternal;  // kFailed
  std::string reason;  // kFailed: why; kDone: what could not be given back
  std::string hint;
  base::CheckpointId checkpoint;
  std::int64_t freeze_ms = 0;
  std::int64_t total_ms = 0;
  std::uint64_t bytes = 0;

  [[nodiscard]] bool ok() const { return status == Status::kDone; }
};

using WorkerMessage = std::variant<Phase, Ready, Outcome>;

std::string encode(const WorkerMessage& message);
// kInternal for text that is no message.
base::Result<WorkerMessage> decode_worker_message(const std::string& text);

Outcome failed_outcome(const base::Error& error);
// What a failed outcome stands for.
base::Error error_of(const Outcome& outcome);

// What the caller answers after Ready: how the program ended (128 + a signal, as shells say it).
std::string encode_restored(int exit_code);
base::Result<int> decode_restored(const std::string& text);

// What the caller of a restore says last of all, just before it ends: that it heard a good outcome.
std::string encode_heard();
bool is_heard(const std::string& text);

}  // namespace reprise::host
