// SPDX-License-Identifier: Apache-2.0
#include "session/restore/furnished.h"

#include <utility>
#include <vector>

#include "base/fault.h"
#include "container/file_tree.h"
#include "image/part_names.h"
#include "preflight/mount_sources.h"
#include "session/foreign.h"
#include "session/overlays.h"
#include "session/parts.h"
#include "session/pod.h"
#include "session/pod_files.h"
#include "session/pod_volumes.h"
#include "session/restore/lazy_images.h"
#include "session/restore_images.h"
#include "session/restore_rootfs.h"
#include "session/volumes.h"

namespace reprise::session {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

engine::RestoreRequest restore_request(const Context& context, const oci::Spec& spec,
                                       const Furnished& furnished) {
  const host::RestoreRequest& asked = context.request.restore();
  engine::RestoreRequest request{.container = context.request.container,
                                 .bundle = asked.bundle,
                                 .program = context.layout.runc,
                                 .globals = asked.globals,
                                 .options = asked.options,
                                 .images = furnished.images,
                                 .renamed = {.from = furnished.reader->manifest().container.str(),
                                             .to = context.request.container.str(),
                                             .cgroup = spec.cgroup},
                                 .cgroups = {},
                                 .elsewhere = {},
                                 .lazy = furnished.hold.has_value()};
  for (const oci::Mount& mount : spec.mounts)
    if (mount.type == "cgroup") request.cgroups.push_back(mount.destination);
  for (preflight::LinkedSource& source : preflight::linked_sources(spec))
    request.elsewhere.emplace_back(std::move(source.destination), std::move(source.target));
  return request;
}

// Before anything of the container is touched: what is damaged shows here. Returns the places of a
// foreign checkpoint that are to be looked at when the files are there.
Result<std::vector<vetting::MadePlace>> read_images(Context& context, const Requested& requested,
                                                    Furnished& furnished) {
  const oci::Spec& spec = requested.spec;
  auto lazy = plan_laziness(context, requested, *furnished.reader);
  furnished.images = REPRISE_PASS(lazy ? materialize_lazily(*furnished.reader, *lazy)
                                       : furnished.reader->pages().materialize());
  if (lazy) furnished.hold = std::move(lazy->hold);
  REPRISE_TRY(mend_mounts(furnished.images), "preparing the container's mounts");
  REPRISE_TRY(mend_pod_files(furnished.images, spec), "preparing the pod's files");
  auto places = REPRISE_PASS(vet_foreign(context, *furnished.reader, furnished.images));
  furnished.restore = REPRISE_TRY(context.engine->begin(restore_request(context, spec, furnished)),
                                  "preparing the container's mounts");
  return places;
}

Result<void> fill_shm(Context& context, const oci::Spec& spec, store::CheckpointReader& reader) {
  if (spec.shares_ipc) return fill_shared_memory(context, reader, spec);
  const auto part = REPRISE_PASS(find_tree_part(reader, image::kShmPart));
  if (!part) return {};
  const auto shm = oci::shm_directory(spec);
  if (!shm)
    return fail(ErrorCode::kUnsupported,
                "the checkpoint needs a '/dev/shm' of the container's own");
  REPRISE_PASS(context.journal().write(undo::SharedMemoryFilled{.directory = *shm}));
  REPRISE_TRY(container::extract_tree(*part, *shm), "filling '/dev/shm'");
  return {};
}

Result<void> put_files_in_place(Context& context, const Requested& requested,
                                Furnished& furnished) {
  store::CheckpointReader& reader = *furnished.reader;
  REPRISE_PASS(prepare_rootfs(reader, requested.spec, context));
  REPRISE_PASS(fill_shm(context, requested.spec, reader));
  if (requested.wishes.fill_volumes_from == context.request.restore().checkpoint.str())
    REPRISE_PASS(fill_volumes(reader, requested.spec, context));
  REPRISE_PASS(fill_pod_files(context, reader, requested.spec));
  REPRISE_PASS(fill_empty_directories(context, reader, requested.spec));
  furnished.overlays = REPRISE_PASS(mount_overlays(reader, requested.spec, context));
  return {};
}

}  // namespace

Result<Furnished> furnish(Context& context, const Requested& requested, Fitting fitting,
                          Phases& phases) {
  Furnished furnished;
  furnished.reader = std::move(fitting.reader);
  phases.begin("read");
  const auto places = REPRISE_PASS(read_images(context, requested, furnished));
  phases.begin("files");
  REPRISE_PASS(put_files_in_place(context, requested, furnished));
  REPRISE_PASS(check_foreign_places(places, requested.spec));
  REPRISE_PASS(base::fault_point("restore-files"));
  return furnished;
}

}  // namespace reprise::session
