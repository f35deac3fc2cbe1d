// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints to and from remotes, with what is known of their containers.
#pragma once

#include <string>

#include "base/id.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "operations/transfer/remotes.h"
#include "transfer/transfer.h"

namespace reprise::operations {

// The note of a checkpoint, sealed, by the name of the object: "notes/ID". kNotFound if there is no
// such checkpoint, or nothing is known of its container. Opens catalog and store anew each time.
base::Result<std::string> make_note(const store::StoreConfig& config, const std::string& name);

struct PushedCheckpoint {
  base::CheckpointId id;
  std::string remote;  // its name
  transfer::Pushed pushed;
};

// Uploads a checkpoint (find_named_checkpoint()) to a remote, and notes it in
// the catalog. Errors as open_named(), find_checkpoint() and push_checkpoint().
base::Result<PushedCheckpoint> push(const Node& node, const std::string& checkpoint,
                                    const std::string& remote, Progress& progress);
// The same, of one that is known, to a remote that is open; tells bytes of the caller's work.
base::Result<transfer::Pushed> push_to(const Node& node, catalog::Catalog& catalog,
                                       const catalog::CheckpointRow& checkpoint,
                                       const OpenRemote& remote, Progress& progress);

// Fetches the checkpoint whose id begins with `subject`, that has this tag, or the newest one of
// the container of that name, and enters it in the catalog: with its tag, unless that is in use
// here, and with the container that it was taken of if that is not known here. Makes a store where
// there is none.
base::Result<transfer::Pulled> pull(const Node& node, const std::string& subject,
                                    const std::string& remote, Progress& progress);
base::Result<transfer::Pulled> pull_from(const Node& node, catalog::Catalog& catalog,
                                         const std::string& subject, const OpenRemote& remote,
                                         Progress& progress);

}  // namespace reprise::operations
