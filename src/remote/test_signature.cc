// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/test_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <span>
#include <sstream>

#include "crypto/hex.h"
#include "crypto/sha256.h"

namespace reprise::remote {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> code{};
  ::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), code.data(), nullptr);
  return {reinterpret_cast<const char*>(code.data()), code.size()};
}

std::string digest_of(std::string_view text) {
  crypto::Sha256 sha256;
  sha256.update(bytes_of(text));
  return crypto::to_hex(sha256.finish());
}

// Names in lower case.
std::map<std::string, std::string> headers_in(std::istream& head) {
  std::map<std::string, std::string> headers;
  for (std::string line; std::getline(head, line) && line != "\r";) {
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t begin = line.find_first_not_of(' ', colon + 1);
    headers[name] = line.substr(begin, line.find_last_not_of(" \r") + 1 - begin);
  }
  return headers;
}

std::string between(const std::string& text, const std::string& before, char after) {
  const std::size_t begin = text.find(before) + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

}  // namespace

TestSignature signature_in(const std::string& head, std::string_view secret_key) {
  std::istringstream lines(head);
  std::string method;
  std::string target;
  std::string first_line;
  lines >> method >> target;
  std::getline(lines, first_line);
  auto headers = headers_in(lines);
  const std::string& authorization = headers["authorization"];
  TestSignature signature{.given = between(authorization, "Signature=", ','),
                          .computed = {},
                          .signed_headers = between(authorization, "SignedHeaders=", ',')};
  const std::size_t query = std::min(target.find('?'), target.size());
  std::string canonical = method + "\n" + target.substr(0, query) + "\n" +
                          target.substr(std::min(query + 1, target.size())) + "\n";
  std::istringstream names(signature.signed_headers);
  for (std::string name; std::getline(names, name, ';');)
    canonical += name + ":" + headers[name] + "\n";
  canonical += "\n" + signature.signed_headers + "\n" + headers["x-amz-content-sha256"];
  // "KEY/20261128/us-east-1/s3/aws4_request"; a key has no slash.
  const std::string credential = between(authorization, "Credential=", ',');
  const std::string scope = credential.substr(credential.find('/') + 1);
  std::string key = "AWS4" + std::string(secret_key);
  std::istringstream parts(scope);
  for (std::string part; std::getline(parts, part, '/');) key = hmac(key, part);
  const std::string text =
      "AWS4-HMAC-SHA256\n" + headers["x-amz-date"] + "\n" + scope + "\n" + digest_of(canonical);
  signature.computed = crypto::to_hex(bytes_of(hmac(key, text)));
  return signature;
}

}  // namespace reprise::remote
