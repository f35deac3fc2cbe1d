// SPDX-License-Identifier: Apache-2.0
//
// How memory travels between the engine and the store, without either knowing the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// Where a dump puts what CRIU writes. One sink takes one dump.
class PageSink {
 public:
  virtual ~PageSink() = default;
  // An empty private directory for CRIU's image files. Whether it lies on disk or in memory is the
  // sink's business. A dump that begins anew may empty it.
  [[nodiscard]] virtual const std::filesystem::path& spool() const = 0;
  // Takes everything that lies in the spool; CRIU must have finished writing. Called once, while
  // the container's tasks stand still if it is to end, after the thaw otherwise. May block on the
  // disk. After an error the sink is unusable, and nothing of it is visible in the store.
  virtual base::Result<void> absorb() = 0;
};

// The way back: a checkpoint's image files as CRIU can read them.
class PageSource {
 public:
  virtual ~PageSource() = default;
  // A directory with CRIU's image files, valid as long as the source lives. The caller must not
  // write to it. kCorrupt names the damaged file.
  virtual base::Result<std::filesystem::path> materialize() = 0;
  // Fills `out` with the bytes from `offset` on of image file `name` ("pages-1.img"), without
  // putting anything together: for whoever needs single pages. May be called by several threads.
  // kNotFound if there is no such file, kInvalidInput beyond its end, kCorrupt for damage.
  virtual base::Result<void> read(std::string_view name, std::uint64_t offset,
                                  std::span<std::byte> out) = 0;
};

}  // namespace reprise::image
