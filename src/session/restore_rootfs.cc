// SPDX-License-Identifier: Apache-2.0
#include "session/restore_rootfs.h"

#include <filesystem>
#include <string>

#include "base/log.h"
#include "container/file_tree.h"
#include "container/rootfs.h"
#include "image/part_names.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

namespace {

std::filesystem::path notes(const Context& context) {
  return context.layout.session_run_directory(context.request.session) / "rootfs";
}

Result<bool> is_in_place(store::CheckpointReader& reader, const oci::Spec& spec) {
  const auto part = REPRISE_PASS(reader.find_part(image::kRootfsIdentityPart));
  if (!part) return false;
  const auto upper = REPRISE_PASS(container::overlay_upper(spec.root_path));
  if (!upper) return false;
  const std::string identity = REPRISE_PASS(sys::read_file(*part));
  return identity == REPRISE_PASS(container::identity_of_upper(*upper));
}

}  // namespace

Result<void> prepare_rootfs(store::CheckpointReader& reader, const oci::Spec& spec,
                            const Context& context) {
  // First, since putting the archive together takes its time.
  if (REPRISE_PASS(is_in_place(reader, spec))) return {};
  const auto changes = REPRISE_PASS(find_tree_part(reader, image::kRootfsPart));
  if (!changes) return {};
  REPRISE_PASS(context.journal().write(undo::RootfsExchanged()));
  REPRISE_TRY(container::exchange_changes(spec.root_path, *changes, notes(context)),
              "unpacking the root file system changes");
  return {};
}

Result<void> undo_rootfs(const Context& context) {
  return container::undo_exchange(notes(context));
}

void keep_rootfs(const Context& context) {
  base::warn_and_ignore(container::keep_exchange(notes(context)),
                        "files of the cold start were left behind");
}

}  // namespace reprise::session
