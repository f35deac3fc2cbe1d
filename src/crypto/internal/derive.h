// SPDX-License-Identifier: Apache-2.0
//
// Keys that are derived from others.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace reprise::crypto {

// HKDF-SHA256 without salt: `bytes` of key material from `secret`, for the use that `info` names.
// What is derived for different uses tells nothing about each other, nor about `secret`.
base::Result<Secret> derive(const Secret& secret, std::string_view info, std::size_t bytes);

}  // namespace reprise::crypto
