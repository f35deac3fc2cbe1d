// SPDX-License-Identifier: Apache-2.0
//
// What an agent that has claimed a Checkpoint shows to the one that gives it out. The API server
// keeps its hash alone.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret_text.h"

namespace reprise::daemon {

// 64 hexadecimal digits of chance. kInternal if the host has none.
base::Result<crypto::SecretText> make_claim_token();

// Claimer::token_hash of it. Pure.
std::string hash_of(std::string_view token);

}  // namespace reprise::daemon
