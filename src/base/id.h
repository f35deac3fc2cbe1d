// SPDX-License-Identifier: Apache-2.0
//
// Strong types for the names that must not be mixed up.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace reprise::base {

// A string that is only ever one kind of name. `Tag` makes the types distinct.
template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& str() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string value_;
};

using ContainerId = Id<struct ContainerIdTag>;    // the OCI runtime's id
using ContainerKey = Id<struct ContainerKeyTag>;  // the identity that outlives the id
using CheckpointId = Id<struct CheckpointIdTag>;
using SessionId = Id<struct SessionIdTag>;

// A fresh id: 12 lower-case letters and digits, the first of them a letter, from the kernel's
// random source (62 bits and more, so ids of one host never meet in practice).
// Ends the process if getrandom(2) fails, which it cannot on a booted Linux.
std::string random_id();

// Checks that `text` can be used as an id: 1 to 128 of [A-Za-z0-9_.-], not starting with '.' or
// '-'. Ids become file names, so nothing else may pass. kInvalidInput otherwise.
Result<std::string> parse_id(std::string_view text);

}  // namespace reprise::base
