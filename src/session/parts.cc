// SPDX-License-Identifier: Apache-2.0
#include "session/parts.h"

#include "container/file_tree.h"

namespace reprise::session {

base::Result<std::filesystem::path> tree_part(store::CheckpointReader& reader,
                                              const std::string& name) {
  const auto sockets = reader.part(name + container::kSocketsSuffix);
  if (!sockets && sockets.error().code() != base::ErrorCode::kNotFound)
    return std::unexpected(sockets.error());
  return reader.part(name);
}

}  // namespace reprise::session
