// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints on their way to and from a place elsewhere. docs/design/0003-store.md says what lies
// there: packs, checkpoints and the tenant's wrapped key under the names that they have here.
//
// Everything that leaves is sealed already, and everything that comes is authenticated before the
// checkpoint is visible.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "image/manifest.h"
#include "remote/object_store.h"
#include "store/store_config.h"

namespace reprise::transfer {

using base::Result;

// Called now and then, by one thread at a time. An error that it returns ends the transfer.
using TransferProgress = std::function<Result<void>(std::uint64_t done, std::uint64_t all)>;

struct Pushed {
  std::uint64_t packs = 0;  // that the other side lacked
  std::uint64_t bytes = 0;
};

// Uploads what `to` lacks: packs, several at once, then the tenant's key file, the note, and last
// the checkpoint's file, so that what is visible there is whole. `note` is given to whoever pulls
// it; it is sealed. Each pack is read and every block in it authenticated before it goes; kCorrupt
// names the damaged one. kNotFound: no such checkpoint. Success if it
// is there already with the keys of another store, which pulled it. kBusy: a gc there may remove a
// pack that it needs. Else as ObjectStore. Doing it again is cheap, and after a failure goes on
// where it was.
Result<Pushed> push_checkpoint(const store::StoreConfig& config, const base::CheckpointId& id,
                               const std::string& note, remote::ObjectStore& to,
                               const TransferProgress& progress);

// The note as a push puts it there, for whoever serves this store itself.
Result<std::string> seal_note(const store::StoreConfig& config, const base::CheckpointId& id,
                              const std::string& note);
// Whose note an object of this name ("notes/ID") is; kNotFound if it is none.
Result<base::CheckpointId> note_owner(const std::string& name);

// Whether a checkpoint is wanted, before its blocks come; an error ends the pull with it.
using Acceptance = std::function<Result<void>(const image::Manifest& manifest)>;

struct Pulled {
  image::Manifest manifest;
  std::string note;          // empty if there is none
  std::uint64_t blocks = 0;  // that were not here
  std::uint64_t bytes = 0;   // of them
};

// Makes a checkpoint of `from` one of this store: blocks that packs here hold are used where they
// are, others are fetched and put into new packs. Success if it is here already. Other stores' are
// opened with what open_keys_of_elsewhere() has and sealed anew; a store without checkpoints takes
// over their keys instead, if it can. gc may run at the same time. kNotFound: it is
// not there (any more). kDenied: other keys sealed it (with a hint). kCorrupt: something there is
// damaged. After an error, or a kill at any moment, nothing is visible; done again, it goes on
// after the last full pack that came, unless gc ran meanwhile. `accept` is asked once what it is
// has been authenticated.
Result<Pulled> pull_checkpoint(const store::StoreConfig& config, const base::CheckpointId& id,
                               remote::ObjectStore& from, const TransferProgress& progress,
                               const Acceptance& accept = nullptr);

// The note that lies there with a checkpoint; empty if there is none.
Result<std::string> remote_note_of(const store::StoreConfig& config, const base::CheckpointId& id,
                                   remote::ObjectStore& from);

struct RemoteCheckpoints {
  std::vector<image::Manifest> manifests;      // in no order
  std::vector<base::CheckpointId> unreadable;  // of other keys, or damaged
  std::vector<base::CheckpointId> of_others;   // of `manifests`: sealed by another store
};

// What lies there. One that goes meanwhile is left out.
Result<RemoteCheckpoints> remote_checkpoints(const store::StoreConfig& config,
                                             remote::ObjectStore& from);

// Removes the checkpoint there, and its note; its packs stay, for others may need them. Returns
// whether it was there. After an error or a kill it is there whole, or not at all. kUnsupported
// for a peer.
Result<bool> remove_remote_checkpoint(const base::CheckpointId& id, remote::ObjectStore& from);

// The one whose id begins so. kNotFound, kInvalidInput if there are several.
Result<base::CheckpointId> find_remote_checkpoint(const std::string& prefix,
                                                  remote::ObjectStore& from);

}  // namespace reprise::transfer
