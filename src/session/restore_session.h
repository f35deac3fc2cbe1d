// SPDX-License-Identifier: Apache-2.0
//
// One restore, from claim to outcome. The runtime wrapper holds the claim and runs `runc restore`
// itself, because the restored init must become a child of the wrapper's parent (conmon, a shim);
// this session prepares everything before and settles everything after.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "host/message.h"
#include "network/network.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

// Between the two the engine asks it at the steps of a restore.
//
// If it fails, the host is as before (what was unpacked or set up is undone), and the checkpoint
// and its claim are untouched: the wrapper decides what becomes of the claim.
class RestoreSession final : private engine::RestoreSteps {
 public:
  explicit RestoreSession(Context& context);
  // Blocks until the outcome, which it also records and reports. Never fails: a failure is an
  // outcome. A wrapper that dies in between counts as a failure.
  host::Outcome run();

 private:
  base::Result<void> prepare();
  base::Result<void> check_fit() const;
  base::Result<void> check_command() const;
  [[nodiscard]] base::Result<engine::RestoreRequest> request_for(
      const std::filesystem::path& images) const;
  [[nodiscard]] base::Result<void> check_memory() const;
  base::Result<void> prepare_shm();
  base::Result<void> prepare_network();
  base::Result<void> set_up_network(const network::NetworkNamespace& ns);
  void note_lost_limits();
  void note_not_given_back(const base::Result<std::vector<std::string>>& failed);
  void add_note(const std::string& text);
  [[nodiscard]] base::Result<host::Ready> plan(const std::filesystem::path& images) const;
  base::Result<void> await_runc();
  void look_after_engine();
  // Their results are kept in completed_.
  base::Result<void> namespaces_made(pid_t init) override;
  base::Result<void> tasks_made(pid_t init) override;
  base::Result<void> may_run(pid_t init) override;
  base::Result<void> before_resume(pid_t init);
  base::Result<void> take_result();
  [[nodiscard]] base::Result<void> runc_failed(int exit_code) const;
  host::Outcome record(const base::Result<void>& result);

  Context& context_;
  Phases phases_;
  base::UnixMillis begin_;
  std::optional<oci::Spec> spec_;
  oci::Wishes wishes_;
  std::unique_ptr<store::CheckpointReader> reader_;
  std::unique_ptr<engine::Restore> restore_;
  engine::OutsideMounts overlays_;             // of Podman, as they are mounted for the restore
  std::optional<sys::FileLock> network_lock_;  // if others live in the network namespace
  std::string note_;                           // what a restore that succeeds could not give back
  pid_t init_ = 0;                             // from pre-resume on
  base::Result<void> completed_{};             // what was done to the tasks before they run
  bool holds_ = false;                         // the tasks, by their cgroup
  bool ended_ = false;                         // those that it held
  std::optional<std::chrono::steady_clock::time_point> engine_idle_;  // gone or stopped, since when
  bool has_let_go_ = false;  // before runc has ended: it cannot be undone
};

}  // namespace reprise::session
