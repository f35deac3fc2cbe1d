// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/credentials.h"

#include <span>
#include <string_view>
#include <utility>

#include "crypto/secret.h"
#include "sys/files.h"

namespace reprise::kube {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t kCredentialLimit = std::size_t{1} << 20;
// A token of a ServiceAccount is replaced when four fifths of its time are over, which are minutes.
constexpr std::chrono::seconds kLookAgain{60};

Result<std::string> text_of_file(const std::string& file) {
  if (file.empty()) return std::string();
  return sys::read_file(file, kCredentialLimit);
}

Result<crypto::SecretText> secret_in_file(const std::string& file) {
  std::string text = REPRISE_PASS(text_of_file(file));
  std::string_view trimmed = text;
  while (!trimmed.empty() && std::string_view(" \t\r\n").contains(trimmed.back()))
    trimmed.remove_suffix(1);
  crypto::SecretText secret(trimmed);
  crypto::wipe(std::as_writable_bytes(std::span(text)));
  return secret;
}

}  // namespace

bool Credentials::Read::same(const Read& other) const {
  return ca == other.ca && cert == other.cert && key.view() == other.key.view() &&
         token.view() == other.token.view();
}

Result<Credentials::Read> Credentials::read() const {
  Read result;
  result.ca = REPRISE_PASS(text_of_file(access_.ca_file));
  result.cert = REPRISE_PASS(text_of_file(access_.cert_file));
  result.key = REPRISE_PASS(secret_in_file(access_.key_file));
  result.token = access_.token;
  if (access_.token_file.empty()) return result;
  result.token = REPRISE_PASS(secret_in_file(access_.token_file));
  if (result.token.empty() || result.token.view().contains('\n'))
    return fail(ErrorCode::kInvalidInput, "'" + access_.token_file + "' holds no token");
  return result;
}

Result<std::shared_ptr<http::Client>> Credentials::connect(const Read& with) const {
  http::ClientOptions options{.place = access_.server,
                              .ca_file = access_.ca_file,
                              .cert_file = access_.cert_file,
                              .key_file = access_.key_file,
                              .patience = patience_};
  if (!with.token.empty()) options.bearer = REPRISE_PASS(http::secret_of(with.token));
  std::shared_ptr<http::Client> client = REPRISE_PASS(http::Client::open(std::move(options)));
  return client;
}

// What cannot be read just now, because it is being replaced, changes nothing.
Result<void> Credentials::refresh() {
  looked_ = Clock::now();
  Result<Read> now = read();
  if (!now) return client_ ? Result<void>() : std::unexpected(std::move(now).error());
  if (client_ && now->same(read_)) return {};
  client_ = REPRISE_PASS(connect(*now));
  read_ = std::move(*now);
  return {};
}

Result<std::unique_ptr<Credentials>> Credentials::open(Access access, http::Patience patience) {
  auto credentials = std::unique_ptr<Credentials>(new Credentials(std::move(access), patience));
  REPRISE_TRY(credentials->refresh(), "reading what '" + credentials->access_.server + "' wants");
  return credentials;
}

Result<std::shared_ptr<http::Client>> Credentials::connections() {
  const std::scoped_lock hold(lock_);
  if (Clock::now() - looked_ >= kLookAgain) REPRISE_PASS(refresh());
  return client_;
}

bool Credentials::renew(const http::Client* used) {
  const std::scoped_lock hold(lock_);
  if (client_.get() == used && !refresh()) return false;
  return client_.get() != used;
}

}  // namespace reprise::kube
