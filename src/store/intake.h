// SPDX-License-Identifier: Apache-2.0
//
// What comes in pieces, memory and streams, on its way into a checkpoint.
//
// Where a container is to run on, they are only kept while it stands still, and stored when it runs
// again; what is more than memory should hold is stored at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "pages/page_writer.h"

namespace reprise::store {

using base::Result;

class Intake {
 public:
  // How many bytes of memory are free now; 0 keeps nothing.
  using Free = std::function<std::uint64_t()>;

  // `pages` must outlive it. What it keeps is at most a quarter of what was free without it.
  Intake(pages::PageWriter& pages, Free free) : pages_(pages), free_(std::move(free)) {}

  // What image::PageSink says of begin_pages(), room() and take(); what is not whole pages is the
  // end of a file.
  Result<void> begin(std::string name);
  std::span<std::byte> room();
  Result<void> take(std::size_t bytes);

  // All that came is forgotten.
  void restart();
  // Stores what is kept, and ends the last file.
  Result<void> finish();

 private:
  struct Kept {
    std::optional<std::string> begins;  // a file of this name; or:
    pages::Stretch stretch;
  };

  Result<void> pass_on();
  Result<void> keep(Kept kept);
  Result<void> store(Kept kept);
  [[nodiscard]] bool may_keep_more();

  pages::PageWriter& pages_;
  Free free_;
  pages::Stretch open_;    // being filled
  std::deque<Kept> kept_;  // in order
  std::uint64_t kept_bytes_ = 0;
  std::uint64_t allowed_bytes_ = 0;  // as was found last
  bool has_file_ = false;            // of pages_, not ended yet
};

}  // namespace reprise::store
