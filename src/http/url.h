// SPDX-License-Identifier: Apache-2.0
//
// Text as a part of a URL.
#pragma once

#include <string>
#include <string_view>

namespace reprise::http {

// Percent-encoding of everything but letters, digits and "-._~".
std::string url_encode(std::string_view text);

}  // namespace reprise::http
