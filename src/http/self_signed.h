// SPDX-License-Identifier: Apache-2.0
//
// A certificate that no authority vouches for: whoever is told its pin by another way trusts it.
#pragma once

#include <string>

#include "base/result.h"
#include "crypto/secret_text.h"

namespace reprise::http {

struct SelfSigned {
  std::string certificate;  // PEM
  crypto::SecretText key;   // PEM
  // SHA-256 of the public key (its SubjectPublicKeyInfo), in base64: 44 characters. For
  // ClientOptions::pin.
  std::string pin;
};

// With a new key of its own each time, valid for ten years. On no disk. kInternal if the library
// refuses.
base::Result<SelfSigned> make_self_signed(const std::string& name);

// Pure: whether `text` may be a pin.
bool is_pin(const std::string& text);

}  // namespace reprise::http
