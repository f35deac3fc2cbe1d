// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_text.h"

#include <array>
#include <span>

#include "base/scope_exit.h"
#include "crypto/internal/private_file.h"
#include "crypto/secret.h"

namespace reprise::crypto {

using base::ErrorCode;
using base::fail;

SecretText::~SecretText() { wipe(std::as_writable_bytes(std::span(text_))); }

Result<SecretText> read_secret_file(const std::string& file) {
  constexpr std::size_t kLimit = 4096;
  std::array<char, kLimit> buffer{};
  const auto bytes = std::as_writable_bytes(std::span(buffer));
  const base::ScopeExit wipes([&] { wipe(bytes); });
  const std::size_t size = REPRISE_PASS(read_private_file(file, "the secret in", bytes));
  std::string_view text(buffer.data(), size);
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) return fail(ErrorCode::kInvalidInput, "'" + file + "' is empty");
  return SecretText(text);
}

}  // namespace reprise::crypto
