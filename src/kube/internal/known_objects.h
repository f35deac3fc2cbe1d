// SPDX-License-Identifier: Apache-2.0
//
// Which objects a listener was told of, so that it can be told which of them have gone.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace reprise::kube {

// Keeps kind and metadata alone: the listener has the rest.
class KnownObjects {
 public:
  void set(const nlohmann::json& object);
  void remove(const nlohmann::json& object);
  // Makes `all` what is known, and returns those of before that are not among them, or are another
  // object (uid) of the same name now.
  std::vector<nlohmann::json> replace(const std::vector<nlohmann::json>& all);

 private:
  std::map<std::string, nlohmann::json> objects_;  // by namespace and name
};

}  // namespace reprise::kube
