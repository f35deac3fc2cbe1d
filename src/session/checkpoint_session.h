// SPDX-License-Identifier: Apache-2.0
//
// One checkpoint, from request to outcome: the order of docs/ARCHITECTURE.md, "the life of a
// checkpoint".
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attributes/process_attributes.h"
#include "container/cgroup.h"
#include "engine/engine.h"
#include "host/message.h"
#include "image/manifest.h"
#include "network/connection_hold.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/context.h"
#include "session/freeze_watch.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

// Runs a checkpoint session. The caller holds the container's lock.
//
// If it fails, whenever, the container runs on as before: nothing is frozen or firewalled, no
// partial checkpoint is on disk, and the request's signal has been delivered. If it succeeds and
// the request says `end`, the container has ended, after its checkpoint was durable.
class CheckpointSession final : private engine::DumpSteps {
 public:
  CheckpointSession(Context& context, FreezeWatch& watch);

  // Blocks until the outcome, which it also records in the catalog. Never fails: a failure is an
  // outcome.
  host::Outcome run();

 private:
  base::Result<void> admit();
  base::Result<void> prepare();
  base::Result<void> dump();
  base::Result<void> frozen() override;
  base::Result<void> written() override;
  base::Result<void> may_end() override;
  base::Result<void> seal_held();
  base::Result<void> seal();
  void note_continuation() const;
  base::Result<void> await_neighbours();
  base::Result<void> settle_executed();
  [[nodiscard]] network::HoldRequest hold_request() const;
  void roll_back();
  void tidy();
  void remove_superseded();
  [[nodiscard]] image::Manifest describe() const;
  [[nodiscard]] std::int64_t cpu_time_us() const;
  [[nodiscard]] std::optional<std::filesystem::path> network() const;
  host::Outcome record(const base::Result<void>& result);

  Context& context_;
  FreezeWatch& watch_;
  Phases phases_;
  base::UnixMillis begin_;
  std::optional<oci::State> state_;
  std::optional<oci::Spec> spec_;
  oci::Wishes wishes_;
  std::unique_ptr<store::CheckpointWriter> writer_;
  std::unique_ptr<engine::Dump> dump_;
  std::optional<image::Manifest> sealed_;
  std::vector<std::string> addresses_;
  std::vector<std::string> watched_;  // paths
  attributes::AskedAttributes asked_;
  std::optional<sys::FileLock> network_lock_;  // if others live in the network namespace
  std::vector<network::Connection> neighbours_;
  std::string runtime_version_;
  std::string criu_version_;
  std::int64_t cpu_time_us_ = 0;
  std::int64_t freeze_ms_ = 0;
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace reprise::session
