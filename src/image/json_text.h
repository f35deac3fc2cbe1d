// SPDX-License-Identifier: Apache-2.0
//
// Text out of JSON of others, where something else is as good as nothing.
#pragma once

#include <string>

namespace reprise::image {

// `Json`: nlohmann's, ordered or not. Empty unless `object` is one and its `field` is text.
template <typename Json>
std::string text_in(const Json& object, const char* field) {
  if (!object.is_object()) return {};
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->template get<std::string>()
                                                     : std::string();
}

}  // namespace reprise::image
