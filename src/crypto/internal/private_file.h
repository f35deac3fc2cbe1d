// SPDX-License-Identifier: Apache-2.0
//
// Files with secrets: keys, tokens, passwords.
#pragma once

#include <filesystem>
#include <span>

#include "base/result.h"

namespace reprise::crypto {

// Reads `file`, named `what` in errors ("the key file"), into `out`, which the caller wipes;
// returns how many bytes it has. Never blocks. kDenied, with the remedy, unless it belongs to root
// or to us and nobody else can read or write it; kInvalidInput unless it is a regular file that
// fits.
base::Result<std::size_t> read_private_file(const std::filesystem::path& file, const char* what,
                                            std::span<std::byte> out);

}  // namespace reprise::crypto
