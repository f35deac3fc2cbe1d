// SPDX-License-Identifier: Apache-2.0
//
// What lies elsewhere, and under which names: those of the store's own files.
#pragma once

#include <string>
#include <string_view>

#include "store/open_store.h"

namespace reprise::transfer {

inline constexpr const char* kRemotePacks = "packs/";
inline constexpr const char* kRemoteCheckpoints = "checkpoints/";
inline constexpr const char* kRemoteNotes = "notes/";
inline constexpr const char* kRemoteNotices = "notices/";
inline constexpr std::size_t kNoteLimit = std::size_t{1} << 20;

inline std::string remote_pack(const std::string& id) { return kRemotePacks + id + ".pack"; }
inline std::string remote_checkpoint(const base::CheckpointId& id) {
  return kRemoteCheckpoints + id.str();
}
inline std::string remote_note(const base::CheckpointId& id) { return kRemoteNotes + id.str(); }
// Whose checkpoint or note that is; kInvalidInput for an object that is none, whoever put it there.
inline base::Result<base::CheckpointId> id_of(const std::string& object, std::string_view below) {
  return base::CheckpointId::parse(std::string_view(object).substr(below.size()));
}
// What a note is sealed for.
inline std::string note_bound(const base::CheckpointId& id) {
  return "reprise note 1 " + id.str() + "\n";
}

}  // namespace reprise::transfer
