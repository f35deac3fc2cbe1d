// SPDX-License-Identifier: Apache-2.0
//
// Images that Podman has.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::podman {

// The full id of an image by name or id. kNotFound, with a hint, if it is not on this host: nothing
// is ever pulled.
base::Result<std::string> image_id(const std::string& name);

// An image's root file system, mounted read-only while the object exists.
class MountedImage {
 public:
  // Blocks on Podman.
  static base::Result<MountedImage> mount(const std::string& id);
  MountedImage(MountedImage&& other) noexcept
      : id_(std::exchange(other.id_, {})), root_(std::move(other.root_)) {}
  MountedImage& operator=(MountedImage&&) = delete;
  MountedImage(const MountedImage&) = delete;
  MountedImage& operator=(const MountedImage&) = delete;
  ~MountedImage();

  // nullopt if `name` (relative) is no directory there, or is reached through a link only.
  [[nodiscard]] std::optional<struct stat> directory(const std::string& name) const;

 private:
  MountedImage(std::string id, sys::UniqueFd root) : id_(std::move(id)), root_(std::move(root)) {}
  std::string id_;
  sys::UniqueFd root_;
};

}  // namespace reprise::podman
