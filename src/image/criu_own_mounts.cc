// SPDX-License-Identifier: Apache-2.0
#include "image/criu_own_mounts.h"

#include "criu_mount.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::uint32_t kMountsMagic = 0x55563928;
constexpr std::string_view kNull = "/dev/null";

// The mount of the device itself, which containers in a user namespace have, is from outside.
bool masks_a_file(const criu::Mount& mount) {
  return mount.ext_key() == kNull && mount.mountpoint() != "./dev/null";
}

}  // namespace

Result<std::optional<std::string>> unhook_masked_files(std::string_view file) {
  const CriuMessages messages =
      REPRISE_PASS(all_messages(file, kCriuImageMagic, kMountsMagic, "an image of mounts"));
  std::string edited(messages.head);
  bool changed = false;
  for (const std::string_view message : messages.messages) {
    criu::Mount mount;
    if (!mount.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return base::fail(ErrorCode::kCorrupt, "an image of mounts of CRIU is damaged");
    if (!masks_a_file(mount)) {
      append_message(edited, message);
      continue;
    }
    mount.clear_ext_key();
    append_message(edited, mount.SerializeAsString());
    changed = true;
  }
  if (!changed) return std::nullopt;
  return edited;
}

}  // namespace reprise::image
