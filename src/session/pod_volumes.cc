// SPDX-License-Identifier: Apache-2.0
#include "session/pod_volumes.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/fault.h"
#include "container/file_tree.h"
#include "container/pod_volumes.h"
#include "container/refilled_directory.h"
#include "container/shared_memory.h"
#include "session/parts.h"
#include "session/restore/fitting.h"
#include "session/volumes.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
using container::SavedVolume;
using container::Volume;
namespace fs = std::filesystem;

namespace {

// Another container of the pod fills them for as long as that takes; large ones take seconds.
constexpr std::chrono::seconds kVolumePatience{60};

// A copy in some checkpoint.
struct VolumeCopy {
  std::unique_ptr<store::CheckpointReader> reader;  // null: the checkpoint that is restored
  SavedVolume saved;
};

const SavedVolume* same_volume(const std::vector<SavedVolume>& volumes, const SavedVolume& as) {
  const auto found = std::ranges::find_if(
      volumes, [&](const SavedVolume& one) { return one.pod == as.pod && one.name == as.name; });
  return found == volumes.end() ? nullptr : &*found;
}

// Removed since, or one that no container could go on from.
bool is_no_copy(const Error& error) {
  return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kCorrupt ||
         error.code() == ErrorCode::kDenied || error.code() == ErrorCode::kUnsupported;
}

// That which has what all containers of the pod wrote: whoever stood still last made it.
Result<VolumeCopy> newest_copy_of(Context& context, const SavedVolume& own) {
  VolumeCopy newest{.reader = nullptr, .saved = own};
  for (const catalog::CheckpointRow& row : REPRISE_PASS(context.store.catalog.checkpoints())) {
    if (!row.ended || !row.key.str().contains("@pod:" + own.pod + ":")) continue;
    auto reader = context.store.checkpoints->open(row.id);
    const auto read = reader ? saved_volumes(**reader) : std::unexpected(reader.error());
    if (!read && is_no_copy(read.error())) continue;
    const std::vector<SavedVolume> volumes = REPRISE_PASS(read);
    const SavedVolume* saved = same_volume(volumes, own);
    if (saved != nullptr && saved->taken > newest.saved.taken)
      newest = {.reader = std::move(*reader), .saved = *saved};
  }
  return newest;
}

Result<Volume> volume_of_pod(const std::vector<Volume>& present, const SavedVolume& saved) {
  const auto found = std::ranges::find(present, saved.name, &Volume::name);
  if (found != present.end()) return *found;
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "the checkpoint holds the emptyDir '" + saved.name + "', which this container lacks")
          .with_hint("give the pod's template the same volumes as before"));
}

// Its name is the session's, so that nothing can lie in wait there.
fs::path filling_of(const Volume& volume, const base::SessionId& session) {
  return volume.directory / (".reprise-filling-" + session.str());
}

fs::path aside_in(const Volume& volume, const base::SessionId& session) {
  return volume.directory / (".reprise-before-" + session.str());
}

Result<void> refill(const Context& context, const VolumeCopy& copy, store::CheckpointReader& own,
                    const Volume& volume, const oci::Spec& spec) {
  store::CheckpointReader& reader = copy.reader ? *copy.reader : own;
  const fs::path archive = REPRISE_PASS(tree_part(reader, copy.saved.part));
  const fs::path contents = filling_of(volume, context.request.session);
  // What does not fit is seen before anything of the volume is touched.
  REPRISE_PASS(context.journal().write(undo::VolumeFilling{.contents = contents}));
  if (::mkdir(contents.c_str(), 0700) != 0)
    return base::fail_errno(errno, "making '" + contents.string() + "'");
  Result<void> unpacked = container::extract_tree(archive, contents);
  if (unpacked) unpacked = base::fault_point("volume-unpacked");
  if (!unpacked) {
    [[maybe_unused]] const auto removed = sys::remove_tree(contents);
    return unpacked;
  }
  const fs::path aside = aside_in(volume, context.request.session);
  REPRISE_PASS(
      context.journal().write(undo::SharedFilled{.directory = volume.directory, .aside = aside}));
  REPRISE_PASS(container::note_filler(volume.directory, context.request.session.str()));
  REPRISE_PASS(container::exchange_contents(volume.directory, contents, aside,
                                            container::mounted_inodes(spec)));
  REPRISE_PASS(base::fault_point("volume-filled"));
  return container::mark_filled(volume, copy.saved.pod);
}

Result<void> fill_one(Context& context, store::CheckpointReader& reader, const oci::Spec& spec,
                      const SavedVolume& saved, const Volume& volume) {
  // It is not that session's alone any more.
  if (REPRISE_PASS(container::filled_from(volume)) == saved.pod)
    return container::forget_filler(volume.directory);
  if (REPRISE_PASS(container::is_used_in_pod(context.proc, container::pod_uid(spec), volume)))
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "another container of the pod has begun to use it anew")
            .with_hint("delete the pod: containers that share a volume go on together"));
  const VolumeCopy copy = REPRISE_PASS(newest_copy_of(context, saved));
  return refill(context, copy, reader, volume, spec);
}

}  // namespace

Result<void> capture_empty_directories(store::CheckpointWriter& writer, const oci::Spec& spec,
                                       std::vector<SavedVolume>& saved) {
  for (Volume& volume : container::empty_directories(spec)) {
    const base::UnixMillis taken = base::now_unix_millis();
    std::string part = "volume-" + std::to_string(saved.size()) + ".tar";
    REPRISE_TRY(save_tree(writer, part, volume.directory, container::Writers::kOthers),
                "saving emptyDir '" + volume.name + "'");
    saved.push_back({.name = std::move(volume.name),
                     .destinations = std::move(volume.destinations),
                     .part = std::move(part),
                     .pod = container::pod_uid(spec),
                     .taken = taken});
  }
  return {};
}

Result<void> fill_empty_directories(Context& context, store::CheckpointReader& reader,
                                    const oci::Spec& spec) {
  auto volumes = REPRISE_PASS(saved_volumes(reader));
  std::erase_if(volumes, [](const SavedVolume& one) { return one.pod.empty(); });
  const std::string uid = container::pod_uid(spec);
  // Of a pod, restored as something else: Podman's volumes may take their place.
  if (volumes.empty() || uid.empty()) return {};
  const fs::path lock = context.layout.run / "pods" / uid;
  REPRISE_PASS(sys::make_directories(lock.parent_path()));
  const auto held = REPRISE_TRY(sys::FileLock::lock(lock, kVolumePatience),
                                "waiting for another container of the pod");
  const auto present = container::empty_directories(spec);
  Result<void> filled{};
  for (const SavedVolume& saved : volumes) {
    const auto volume = volume_of_pod(present, saved);
    filled =
        volume ? fill_one(context, reader, spec, saved, *volume) : std::unexpected(volume.error());
    if (filled) continue;
    Error error =
        Error(std::move(filled).error()).with_step("filling emptyDir '" + saved.name + "'");
    if (error.code() == ErrorCode::kUnsupported) error = misfit(std::move(error), spec);
    filled = std::unexpected(std::move(error));
    break;
  }
  // There would be one for each pod that there ever was.
  REPRISE_PASS(sys::remove_tree(lock));
  return filled;
}

}  // namespace reprise::session
