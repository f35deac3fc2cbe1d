// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_text.h"

#include <span>

#include "crypto/secret.h"

namespace reprise::crypto {

SecretText::~SecretText() { wipe(std::as_writable_bytes(std::span(text_))); }

}  // namespace reprise::crypto
