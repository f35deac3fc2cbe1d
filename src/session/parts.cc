// SPDX-License-Identifier: Apache-2.0
#include "session/parts.h"

#include "container/file_tree.h"
#include "sys/files.h"

namespace reprise::session {

base::Result<std::filesystem::path> tree_part(store::CheckpointReader& reader,
                                              const std::string& name) {
  const auto sockets = reader.part(name + container::kSocketsSuffix);
  if (!sockets && sockets.error().code() != base::ErrorCode::kNotFound)
    return std::unexpected(sockets.error());
  return reader.part(name);
}

base::Result<std::optional<std::string>> read_part(store::CheckpointReader& reader,
                                                   const std::string& name) {
  const auto part = reader.part(name);
  if (!part && part.error().code() == base::ErrorCode::kNotFound) return std::nullopt;
  if (!part) return std::unexpected(part.error());
  return REPRISE_PASS(sys::read_file(*part));
}

}  // namespace reprise::session
