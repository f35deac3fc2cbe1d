// SPDX-License-Identifier: Apache-2.0
#include "kube/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <span>

#include "crypto/secret.h"

namespace reprise::kube {

std::optional<std::string> from_base64(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int got = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                  reinterpret_cast<const unsigned char*>(text.data()),
                                  static_cast<int>(text.size()));
  if (got < 0) return std::nullopt;
  const auto padding =
      static_cast<std::size_t>(std::ranges::count(text.substr(text.size() - 2), '='));
  bytes.resize(static_cast<std::size_t>(got) - padding);
  crypto::wipe(std::as_writable_bytes(std::span(text)));
  return bytes;
}

}  // namespace reprise::kube
