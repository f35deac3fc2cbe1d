// SPDX-License-Identifier: Apache-2.0
//
// Parts of a checkpoint that are trees of files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "container/file_tree.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Saves a file tree as the part `name`, with its list of sockets beside it.
base::Result<void> save_tree(store::CheckpointWriter& writer, const std::string& name,
                             const std::filesystem::path& directory,
                             container::Writers writers = container::Writers::kNone);

// The contents of the part `name`; nullopt if the checkpoint has none.
base::Result<std::optional<std::string>> read_part(store::CheckpointReader& reader,
                                                   const std::string& name);

// The part `name`, an archive of a file tree, with its list of sockets beside it, as extract_tree()
// wants them. As CheckpointReader::find_part() and part().
base::Result<std::optional<std::filesystem::path>> find_tree_part(store::CheckpointReader& reader,
                                                                  const std::string& name);
base::Result<std::filesystem::path> tree_part(store::CheckpointReader& reader,
                                              const std::string& name);

}  // namespace reprise::session
