// SPDX-License-Identifier: Apache-2.0
//
// That a container has a state to go on from, told beside the store: in its bundle.
//
// The store may be absent when the container is created the next time (a disk that is not mounted),
// or another one may lie in its place. Neither may pass for "there is no checkpoint". Podman keeps
// a container's bundle for as long as there is the container, also over a reboot; containerd makes
// a new one for every task, so there the store alone knows.
//
// Written before the seal, removed when the checkpoint was restored, or came to nothing. The
// catalog decides as long as it knows the note's session: then it is the store in which the
// checkpoint is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace reprise::host {

struct ContinuationNote {
  enum class State : std::uint8_t {
    kPending,  // there is, or is just being made, a checkpoint to go on from
    kDropped,  // what is older than `time` is not gone on from, though a store may say so
  } state = State::kPending;
  base::UnixMillis time = 0;      // of the note
  base::CheckpointId checkpoint;  // kPending
  base::SessionId session;        // kPending: that takes it
  std::filesystem::path store;    // kPending: where it lies
  bool operator==(const ContinuationNote&) const = default;
};

std::filesystem::path continuation_note_file(const std::filesystem::path& bundle);

// Durably; replaces an earlier one.
base::Result<void> write_note(const std::filesystem::path& bundle, const ContinuationNote& note);
// nullopt if there is none. kCorrupt, with a hint, for a file that is no note.
base::Result<std::optional<ContinuationNote>> read_note(const std::filesystem::path& bundle);
// Success if there is none.
base::Result<void> remove_note(const std::filesystem::path& bundle);
// That `store`, which is to have the checkpoint of a pending note, is not there.
base::Error absent_store(const ContinuationNote& note, const std::filesystem::path& store);
// Removes a pending note of this session, and no other.
base::Result<void> remove_note_of(const std::filesystem::path& bundle,
                                  const base::SessionId& session);

}  // namespace reprise::host
