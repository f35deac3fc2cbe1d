// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints to and from remotes: what push, pull, upload and restore share.
#pragma once

#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/json.h"
#include "operations/progress.h"
#include "transfer/transfer.h"

namespace reprise::cli {

struct OpenRemote {
  std::string name;   // as configured; the URL if it is not
  std::string place;  // the same for all names of one place
  std::unique_ptr<remote::ObjectStore> objects;
};

// `wanted`: the name of a section [remote.NAME], or a URL; empty stands for the only one that is
// configured. kNotFound, kInvalidInput (with hints), and as config::access_of and open_remote.
Result<OpenRemote> open_named(const Context& context, const std::string& wanted);

// The same, to change what lies there; it must be named. kUnsupported for another node's store.
Result<OpenRemote> open_to_change(const Context& context, const std::string& wanted);

// The names under which the catalog may know copies there: sections of the configuration, and the
// URL.
std::vector<std::string> names_of(const Context& context, const OpenRemote& remote);

// The note of a checkpoint, sealed, by the name of the object: "notes/ID". kNotFound if there is no
// such checkpoint, or nothing is known of its container. Opens catalog and store anew each time.
Result<std::string> make_note(const store::StoreConfig& config, const std::string& name);

// Uploads a checkpoint, and notes it in the catalog.
Result<transfer::Pushed> push(const Context& context, catalog::Catalog& catalog,
                              const catalog::CheckpointRow& checkpoint, const OpenRemote& remote,
                              const transfer::TransferProgress& progress);

// Fetches the checkpoint whose id begins with `subject`, that has this tag, or the newest one of
// the container of that name, and enters it in the catalog: with its tag, unless that is in use
// here, and with the container that it was taken of if that is not known here.
Result<transfer::Pulled> pull(const Context& context, catalog::Catalog& catalog,
                              const std::string& subject, const OpenRemote& remote,
                              const transfer::TransferProgress& progress);

// Tells how far it is.
transfer::TransferProgress line_of_bytes(operations::Progress& progress);

// "local", "local, depot (uploading)".
std::string places_of(const std::vector<catalog::Copy>& copies, const base::CheckpointId& id);

// The same as JSON: records with remote and state.
Json copies_json(const std::vector<catalog::Copy>& copies, const base::CheckpointId& id);

}  // namespace reprise::cli
