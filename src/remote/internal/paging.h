// SPDX-License-Identifier: Apache-2.0
//
// A list that comes in pages ends when its server says so. One that leads in circles never does: so
// the mark at which the next page begins must be one that was not there before.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "remote/internal/answers.h"

namespace reprise::remote {

// Marks that have no order of their own: no two may be the same, and none empty.
class MarksSeen {
 public:
  [[nodiscard]] bool add(const std::string& mark) {
    return !mark.empty() && seen_.insert(mark).second;
  }

 private:
  std::set<std::string> seen_;
};

// Keys grow; uploads to one key have any order.
class UploadMarks {
 public:
  [[nodiscard]] bool add(const S3UploadPage::Marker& mark) {
    if (mark.key.empty() || mark.key < key_) return false;
    if (mark.key != std::exchange(key_, mark.key)) ids_.clear();
    return ids_.insert(mark.id).second;
  }

 private:
  std::string key_;
  std::set<std::string> ids_;  // with this key
};

// Numbers of parts grow.
class PartMarks {
 public:
  [[nodiscard]] bool add(const std::string& mark) {
    const auto number = number_of(mark);
    return number && std::exchange(last_, *number) < *number;
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace reprise::remote
