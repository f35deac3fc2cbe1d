// SPDX-License-Identifier: Apache-2.0
//
// For tests only: the signature (AWS version 4) that a request must have, computed anew from what
// was sent.
#pragma once

#include <string>
#include <string_view>

namespace reprise::remote {

struct TestSignature {
  std::string given;     // by the request
  std::string computed;  // of the headers that it says to be signed
  std::string signed_headers;
};

// `head`: the request up to its body.
TestSignature signature_in(const std::string& head, std::string_view secret_key);

}  // namespace reprise::remote
