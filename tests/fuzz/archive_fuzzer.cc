// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: whatever the bytes of an archive, reading one ends with an answer. What was accepted
// is read again by the same rules: a translation of ours must never be refused by ourselves.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "archive/container_dump.h"
#include "archive/members.h"
#include "archive/rootfs_changes.h"

namespace {

using namespace reprise::archive;  // NOLINT(google-build-using-namespace): one file, one subject

constexpr std::size_t kLimit = std::size_t{1} << 20;  // of all that one input may unpack to

ReadBytes reader_of(const std::string& text) {
  return [&text, at = std::size_t{0}](std::span<char> buffer) mutable -> Result<std::size_t> {
    const std::size_t size = std::min(buffer.size(), text.size() - at);
    text.copy(buffer.data(), size, at);
    at += size;
    return size;
  };
}

Result<std::map<std::string, std::string>> read_members(const std::string& input) {
  std::map<std::string, std::string> members;
  TarReader reader = REPRISE_PASS(TarReader::open(reader_of(input)));
  std::size_t left = kLimit;
  while (const auto entry = REPRISE_PASS(reader.next())) {
    const Member member = REPRISE_PASS(classify(*entry));
    members[member.name] = REPRISE_PASS(text_of(reader, *entry, left));
    left -= members[member.name].size();
  }
  return members;
}

Result<std::string> to_upper(const std::string& tree, Dialect dialect,
                             const std::vector<std::string>& deleted) {
  std::string upper;
  REPRISE_PASS(write_upper({.tar = [&]() -> Result<ReadBytes> { return reader_of(tree); },
                            .dialect = dialect,
                            .deleted = deleted,
                            .image_directory = [](const std::string&) { return std::nullopt; },
                            .limit = kLimit},
                           [&upper](std::span<const char> data) -> Result<void> {
                             upper.append(data.data(), data.size());
                             return {};
                           }));
  return upper;
}

void check_tree(const std::string& tree, Dialect dialect, const std::vector<std::string>& deleted) {
  const auto upper = to_upper(tree, dialect, deleted);
  if (!upper) return;
  std::string podmans;
  const auto listed = write_podman_changes(reader_of(*upper),
                                           [&podmans](std::span<const char> data) -> Result<void> {
                                             podmans.append(data.data(), data.size());
                                             return {};
                                           });
  if (!listed || !to_upper(podmans, Dialect::kList, *listed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes are bytes
  check_tree(input, Dialect::kOciLayer, {});
  auto members = read_members(input);
  if (!members) return 0;
  static_cast<void>(parse_container_dump((*members)["config.dump"], (*members)["spec.dump"]));
  static_cast<void>(parse_network_status((*members)["network.status"]));
  const auto deleted = parse_deleted_files((*members)["deleted.files"]);
  check_tree((*members)["rootfs-diff.tar"], Dialect::kList,
             deleted.value_or(std::vector<std::string>()));
  return 0;
}
