// SPDX-License-Identifier: Apache-2.0
#include "podman/image.h"

#include <fcntl.h>

#include "podman/client.h"
#include "sys/beneath.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::podman {

using base::Error;
using base::ErrorCode;
using base::Result;

Result<std::string> image_id(const std::string& name) {
  const auto out = run_ok({"podman", "image", "inspect", "--format", "{{.Id}}", "--", name});
  if (out) return sys::last_line(*out);
  if (out.error().code() != ErrorCode::kNotFound) return std::unexpected(out.error());
  return std::unexpected(Error(ErrorCode::kNotFound, "image '" + name + "' is not on this host")
                             .with_hint("fetch it first: podman pull " + name));
}

Result<MountedImage> MountedImage::mount(const std::string& id) {
  const std::string out =
      REPRISE_TRY(run_ok({"podman", "image", "mount", "--", id}), "mounting image '" + id + "'");
  // Owned before it can fail: whatever comes next, it is unmounted.
  MountedImage image(id, sys::UniqueFd());
  image.root_ = REPRISE_PASS(sys::open_file(sys::last_line(out), O_PATH | O_DIRECTORY));
  return image;
}

// Podman counts its mounts, so this takes back ours only.
MountedImage::~MountedImage() {
  root_.reset();
  if (!id_.empty()) static_cast<void>(run_ok({"podman", "image", "unmount", "--", id_}));
}

std::optional<struct stat> MountedImage::directory(const std::string& name) const {
  const auto fd = sys::open_beneath(root_, name, O_PATH | O_DIRECTORY);
  struct stat status{};
  if (!fd || ::fstat(fd->get(), &status) != 0) return std::nullopt;
  return status;
}

}  // namespace reprise::podman
