// SPDX-License-Identifier: Apache-2.0
#include "session/sealed.h"

#include <cerrno>
#include <string>
#include <utility>

#include "host/layout.h"
#include "sys/files.h"

namespace reprise::session {

using base::ErrorCode;
using base::Result;

namespace {

std::filesystem::path checkpoint_file(const host::Layout& layout, const base::SessionId& session) {
  return layout.session_directory(session) / "checkpoint";
}

// Of a session that was begun by an earlier version, or that never began to write: what cannot be
// read because it is damaged, or another's, was not sealed just now. Every other error says
// nothing.
Result<std::optional<image::Manifest>> search_sealed(store::CheckpointStore& store,
                                                     const base::SessionId& session) {
  for (const base::CheckpointId& id : REPRISE_PASS(store.list())) {
    auto manifest = store.manifest(id);
    if (manifest && manifest->parent_session == session.str()) return std::move(*manifest);
    if (manifest) continue;
    const ErrorCode code = manifest.error().code();
    if (code != ErrorCode::kNotFound && code != ErrorCode::kCorrupt && code != ErrorCode::kDenied &&
        code != ErrorCode::kUnsupported)
      return std::unexpected(manifest.error());
  }
  return std::nullopt;
}

}  // namespace

Result<void> note_checkpoint(const host::Layout& layout, const base::SessionId& session,
                             const base::CheckpointId& checkpoint) {
  return sys::replace_file(checkpoint_file(layout, session), checkpoint.str());
}

Result<std::optional<image::Manifest>> find_sealed(store::CheckpointStore& store,
                                                   const host::Layout& layout,
                                                   const base::SessionId& session) {
  const std::string step = "finding out what session '" + session.str() + "' sealed";
  const auto id = sys::read_file(checkpoint_file(layout, session));
  if (!id && id.error().error_number() == ENOENT)
    return REPRISE_TRY(search_sealed(store, session), step);
  const auto checkpoint = REPRISE_TRY(base::CheckpointId::parse(REPRISE_TRY(id, step)), step);
  auto manifest = store.manifest(checkpoint);
  if (!manifest && manifest.error().code() == ErrorCode::kNotFound) return std::nullopt;
  return REPRISE_TRY(std::move(manifest), step);
}

}  // namespace reprise::session
