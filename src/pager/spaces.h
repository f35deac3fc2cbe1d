// SPDX-License-Identifier: Apache-2.0
//
// The address spaces that wait for pages, as the journal tells them: the same records lead to the
// same spaces, in the pager that wrote them and in one that comes after it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "pager/journal.h"
#include "pager/missing_pages.h"

namespace reprise::pager {

// What an image says of one process.
struct SpaceImage {
  std::string file;  // as image::PageSource names it: "pages-1.img"
  MissingPages missing;
};
using LoadSpace = std::function<base::Result<SpaceImage>(std::uint32_t pid)>;

struct Space {
  int fd = -1;            // owned by whoever shares the journal
  std::uint32_t pid = 0;  // of the process, or the ancestor that it was forked from
  std::string file;
  MissingPages missing;
  std::uint64_t cursor = 0;      // where to fill on
  std::uint64_t last_fault = 0;  // greater: later
};

class Spaces {
 public:
  explicit Spaces(LoadSpace load) : load_(std::move(load)) {}
  // kInternal for a record that cannot follow the others.
  base::Result<void> apply(const Record& record);

  [[nodiscard]] std::map<int, Space>& all() { return spaces_; }  // by descriptor
  [[nodiscard]] std::uint64_t missing_bytes() const;

 private:
  base::Result<void> apply_event(Space& space, const uffd_msg& message);

  LoadSpace load_;
  std::map<int, Space> spaces_;
};

}  // namespace reprise::pager
