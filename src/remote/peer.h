// SPDX-License-Identifier: Apache-2.0
//
// Another node's store over HTTPS: read by one side, served by the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/secret_text.h"
#include "http/limits.h"
#include "http/patience.h"
#include "http/self_signed.h"
#include "http/server.h"
#include "remote/object_store.h"

namespace reprise::remote {

struct PeerOptions {
  std::string url;      // "https://host:port"
  std::string ca_file;  // whom to trust; empty means the system's
  // Who we are; where the peer asks for a token, both may be empty.
  std::string cert_file, key_file;
  crypto::SecretText token;
  std::string pin;  // whom to trust instead: http::ClientOptions
  http::Patience patience;
  unsigned parallel = 4;  // requests of a large read that are under way at once
};

// Asks nothing of the peer yet. Cannot be written to. The peer must have a certificate for the host
// name in `url`, of an authority in `ca_file`; or the key that is pinned.
// kInvalidInput for options that cannot be meant.
Result<std::unique_ptr<ObjectStore>> open_peer(PeerOptions options);

// Readers who each have a token, with which they may read some objects. Called by several threads
// at once.
struct Readers {
  std::function<bool(std::string_view token)> knows;
  std::function<bool(std::string_view token, const std::string& object)> may_read;
  // Below which directory an object lies that may be read. Empty: ServeOptions::store.
  std::function<std::filesystem::path(std::string_view token, const std::string& object)> place_of =
      nullptr;
};

// Who may read is who has a certificate of `ca_file`, the token, or, if both are given, both. With
// `readers`, these alone, and no lists.
struct ServeOptions {
  std::filesystem::path store;
  std::string host = "127.0.0.1";  // of our own addresses; "0.0.0.0" and "::" are all
  std::uint16_t port = 0;          // 0: any that is free
  std::string cert_file, key_file;
  std::optional<http::SelfSigned> own;  // instead of these files
  std::string ca_file;
  crypto::SecretText token;
  std::optional<Readers> readers;
  // Objects that are made when they are asked for, of names that begin with "notes/"; kNotFound for
  // those that are not. Called by several threads at once. May be empty.
  std::function<Result<std::string>(const std::string& name)> make_note;
  http::Limits limits;
};

// Serves what lies in the store's `checkpoints`, `keys` and `packs`, and notes; protocol:
// docs/remotes.md. Errors are those of http::start_server().
Result<std::unique_ptr<http::Server>> serve_objects(ServeOptions options);

}  // namespace reprise::remote
