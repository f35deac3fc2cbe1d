// SPDX-License-Identifier: Apache-2.0
#include "session/parts.h"

#include "container/file_tree.h"
#include "sys/files.h"

namespace reprise::session {

base::Result<std::optional<std::filesystem::path>> find_tree_part(store::CheckpointReader& reader,
                                                                  const std::string& name) {
  REPRISE_PASS(reader.find_part(name + container::kSocketsSuffix));
  return reader.find_part(name);
}

base::Result<std::filesystem::path> tree_part(store::CheckpointReader& reader,
                                              const std::string& name) {
  REPRISE_PASS(reader.find_part(name + container::kSocketsSuffix));
  return reader.part(name);
}

base::Result<std::optional<std::string>> read_part(store::CheckpointReader& reader,
                                                   const std::string& name) {
  const auto part = REPRISE_PASS(reader.find_part(name));
  if (!part) return std::nullopt;
  return REPRISE_PASS(sys::read_file(*part));
}

}  // namespace reprise::session
