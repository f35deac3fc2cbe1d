// SPDX-License-Identifier: Apache-2.0
//
// How memory travels between the engine and the store, without either knowing the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// Where a dump puts what CRIU writes: image files into a directory, and pages of memory, which
// become image files as well, but never lie in one. One sink takes one dump. Its calls may come
// from different threads, one after the other. After an error the sink is unusable, and nothing of
// it is visible in the store.
class PageSink {
 public:
  virtual ~PageSink() = default;
  // A private directory for CRIU's image files. Whether it lies on disk or in memory is the sink's
  // business.
  [[nodiscard]] virtual const std::filesystem::path& spool() const = 0;
  // A dump begins, or begins anew: the spool is empty, and all pages are forgotten.
  virtual base::Result<void> restart() = 0;

  // What take() is told of becomes image file `name` ("pages-1.img"), until the next begin_pages().
  virtual base::Result<void> begin_pages(std::string name) = 0;
  // Where to put the next pages: whole ones, one at least. Valid until the next call.
  virtual std::span<std::byte> room() = 0;
  // So many bytes of room() are filled; whole pages. Blocks on the disk if there are more than
  // memory should hold, or if the container is to end, since then it waits for the disk anyway.
  virtual base::Result<void> take(std::size_t bytes) = 0;

  // Takes everything that lies in the spool, and stores the pages that are still in memory; CRIU
  // must have finished writing. Called once, while the container's tasks stand still if it is to
  // end, after the thaw otherwise. May block on the disk.
  virtual base::Result<void> absorb() = 0;
};

// The way back: a checkpoint's image files as CRIU can read them.
class PageSource {
 public:
  virtual ~PageSource() = default;
  // A directory with CRIU's image files, valid as long as the source lives. The caller must not
  // write to it. kCorrupt names the damaged file.
  base::Result<std::filesystem::path> materialize() {
    return materialize([](std::string_view) { return true; });
  }
  // The same with those files only that are `wanted`, and those that were so before.
  using Wanted = std::function<bool(std::string_view name)>;
  virtual base::Result<std::filesystem::path> materialize(const Wanted& wanted) = 0;
  // Fills `out` with the bytes from `offset` on of image file `name` ("pages-1.img"), without
  // putting anything together: for whoever needs single pages. May be called by several threads.
  // kNotFound if there is no such file, kInvalidInput beyond its end, kCorrupt for damage.
  virtual base::Result<void> read(std::string_view name, std::uint64_t offset,
                                  std::span<std::byte> out) = 0;
};

}  // namespace reprise::image
