// SPDX-License-Identifier: Apache-2.0
#include "session/parts.h"

#include "sys/files.h"

namespace reprise::session {

base::Result<void> save_tree(store::CheckpointWriter& writer, const std::string& name,
                             const std::filesystem::path& directory, container::Writers writers) {
  std::string sockets;
  REPRISE_PASS(writer.stream_part(name, [&](int pipe) -> base::Result<void> {
    sockets = REPRISE_PASS(container::archive_tree(directory, pipe, writers));
    return {};
  }));
  if (sockets.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(name + container::kSocketsSuffix)), sockets);
}

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
