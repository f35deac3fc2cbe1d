// SPDX-License-Identifier: Apache-2.0
//
// The stream of a watch, taken apart.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::kube {

using base::Result;

// Lines out of pieces that are cut anywhere.
class EventLines {
 public:
  // Beyond any object: etcd takes no more than 1.5 MB.
  static constexpr std::size_t kLongest = std::size_t{32} << 20;
  using OnLine = std::function<Result<void>(std::string_view line)>;

  // Calls `on_line` for each line that is whole now, without its end, and not for empty ones; ends
  // with its error. kCorrupt for a line longer than kLongest.
  Result<void> add(std::string_view piece, const OnLine& on_line);

 private:
  std::string begun_;
};

}  // namespace reprise::kube
