// SPDX-License-Identifier: Apache-2.0
#include "operations/container/clone.h"

#include <optional>

#include "base/fault.h"
#include "base/scope_exit.h"
#include "operations/container/clone_volumes.h"
#include "operations/container/containers.h"
#include "operations/container/shared_files.h"
#include "podman/client.h"
#include "session/volumes.h"
#include "store/checkpoint_store.h"
#include "sys/child.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Undoing must go on whatever fails; what does is told to people, since nothing else can be done.
void undo(Progress& progress, const std::vector<std::string>& argv, const std::string& what) {
  const auto done = podman::run_ok(argv);
  if (!done && done.error().code() != ErrorCode::kNotFound)
    progress.warn(what + ": " + done.error().message(), "");
}

// A container that keeps its place under another name until its replacement runs.
class SetAside {
 public:
  static Result<SetAside> rename(Progress& progress, podman::ContainerInfo info) {
    const std::string aside = info.name + "-replaced-" + short_id(info.id);
    REPRISE_TRY(podman::run_ok({"podman", "rename", "--", info.id, aside}),
                "putting the stopped container '" + info.name + "' aside");
    return SetAside(progress, std::move(info));
  }
  SetAside(SetAside&& other) noexcept
      : progress_(other.progress_),
        info_(std::move(other.info_)),
        key_(std::move(other.key_)),
        armed_(std::exchange(other.armed_, false)) {}
  SetAside& operator=(SetAside&&) = delete;
  ~SetAside() {
    if (armed_)
      undo(*progress_, {"podman", "rename", "--", info_.id, info_.name},
           "container '" + info_.name + "' could not get its name back");
  }

  // The replacement runs, under `key`. Its checkpoints stay in the store.
  void remove(catalog::Catalog& catalog, const base::ContainerKey& key) {
    armed_ = false;
    undo(*progress_, {"podman", "rm", "--", info_.id},
         "the replaced container could not be removed");
    if (key_ == key) return;
    if (const auto dropped = catalog.drop_continuation(key_); !dropped)
      progress_->warn(dropped.error().message(), "");
  }

 private:
  SetAside(Progress& progress, podman::ContainerInfo info)
      : progress_(&progress), info_(std::move(info)), key_(key_of(info_)) {}
  Progress* progress_;
  podman::ContainerInfo info_;
  base::ContainerKey key_;
  bool armed_ = true;
};

Result<std::optional<SetAside>> make_way(const Node& node, Progress& progress,
                                         const std::string& name) {
  const auto occupant = podman::inspect(name);
  if (!occupant && occupant.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!occupant) return std::unexpected(occupant.error());
  if (occupant->name != name) return std::nullopt;  // found by its id
  if (occupant->has_tasks())
    return std::unexpected(Error(ErrorCode::kBusy, "container '" + name + "' is running")
                               .with_hint("stop it first or use --name"));
  if (!runs_under_reprise(node, *occupant) && !is_opted_in(*occupant))
    return std::unexpected(
        Error(ErrorCode::kBusy, "there is another container '" + name + "', not under Reprise")
            .with_hint("remove it ('podman rm " + name + "') or use --name"));
  return REPRISE_PASS(SetAside::rename(progress, *occupant));
}

Result<std::string> podman_create(const std::vector<std::string>& argv,
                                  podman::ErrorOutput error_output) {
  const sys::RunResult result = REPRISE_PASS(podman::run(argv, error_output));
  if (result.status.success()) return sys::last_line(result.out);
  if (error_output == podman::ErrorOutput::kCapture)
    return std::unexpected(podman::error_of(argv, result));
  return fail(ErrorCode::kIo, "'podman create' failed: " + result.status.describe());
}

Error cold_start_error(const StartOutcome& start) {
  return Error(ErrorCode::kIo, start.reason).with_hint(start.hint);
}

}  // namespace

Result<CloneOutcome> clone_from(const Node& node, catalog::Catalog& catalog,
                                const catalog::CheckpointRow& checkpoint, const CloneWishes& wishes,
                                Progress& progress) {
  const auto checkpoints = REPRISE_PASS(store::open_store(node.store));
  const auto reader = REPRISE_PASS(checkpoints->open(checkpoint.id));
  REPRISE_PASS(check_options(wishes.options, reader->manifest()));
  // Before anything is made or moved aside: the rest of this trusts every byte.
  REPRISE_PASS(checkpoints->verify(checkpoint.id));
  const auto saved = REPRISE_PASS(session::saved_volumes(*reader));
  const CloneCommand command = REPRISE_PASS(
      clone_command(REPRISE_PASS(find_record(catalog, checkpoint)), wishes, checkpoint.id, saved));
  const auto volumes_before = REPRISE_PASS(podman::list_volumes());

  std::optional<SetAside> aside = REPRISE_PASS(make_way(node, progress, command.name));
  const std::string id = REPRISE_TRY(podman_create(command.argv, wishes.podman_errors),
                                     "creating container '" + command.name + "'");
  std::vector<std::string> made_volumes;
  base::ScopeExit remove_volumes([&] {  // after the container
    for (const std::string& name : made_volumes)
      undo(progress, {"podman", "volume", "rm", "--", name},
           "the new volume '" + name + "' could not be removed");
  });
  base::ScopeExit remove_new([&] {
    undo(progress, {"podman", "rm", "--force", "--time", "0", "--", id},
         "the new container could not be removed");
  });
  REPRISE_PASS(base::fault_point("clone-created"));
  const podman::ContainerInfo info = REPRISE_PASS(podman::inspect(id));
  const base::ContainerKey key = key_of(info);
  // Under a key that outlives containers, the one that is set aside may wait to go on.
  const auto before = REPRISE_PASS(catalog.continuation(key));
  base::ScopeExit forget_new([&] {
    static_cast<void>(before ? catalog.set_continuation(key, before->checkpoint)
                             : catalog.drop_continuation(key));
  });
  made_volumes = new_volumes(info, volumes_before);
  REPRISE_PASS(check_volumes(*reader, info, command, wishes.volumes, saved));
  if (wishes.volumes != VolumeWish::kKeep)
    REPRISE_PASS(check_shared_files(catalog, checkpoint, info, saved));
  REPRISE_PASS(record_container(catalog, info));
  REPRISE_PASS(catalog.set_continuation(key, checkpoint.id));
  StartOutcome start = REPRISE_TRY(start_container(catalog, info, progress), "starting it");
  if (!start.restored) return std::unexpected(cold_start_error(start));
  remove_new.dismiss();
  forget_new.dismiss();
  remove_volumes.dismiss();
  for (const std::string& option : command.left_out)
    progress.note("'" + option + "' is not taken over, the other container has it");
  if (aside) aside->remove(catalog, key);
  return CloneOutcome{.container = info, .start = std::move(start)};
}

}  // namespace reprise::operations
