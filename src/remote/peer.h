// SPDX-License-Identifier: Apache-2.0
//
// Another node's store over HTTPS: read by one side, served by the other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "crypto/secret_text.h"
#include "remote/object_store.h"
#include "remote/patience.h"

namespace reprise::remote {

struct PeerOptions {
  std::string url;      // "https://host:port"
  std::string ca_file;  // whom to trust; empty means the system's
  // Who we are; where the peer asks for a token, both may be empty.
  std::string cert_file, key_file;
  crypto::SecretText token;
  Patience patience;
  unsigned parallel = 4;  // requests of a large read that are under way at once
};

// Asks nothing of the peer yet. Cannot be written to. The peer must have a certificate for the host
// name in `url`, of an authority in `ca_file`.
// kInvalidInput for options that cannot be meant.
Result<std::unique_ptr<ObjectStore>> open_peer(PeerOptions options);

// What those get who have not shown yet that they may read; a reader needs four connections.
struct ServeLimits {
  std::chrono::milliseconds patience{10'000};  // for a handshake with a request's line and headers
  std::chrono::milliseconds idle{5'000};       // between requests, of who may read
  std::size_t header_bytes = std::size_t{16} << 10;  // of a request's line and headers
  std::size_t connections = 256;  // at once, all together: then strangers go, the oldest first
};

// Who may read is who has a certificate of `ca_file`, the token, or, if both are given, both.
struct ServeOptions {
  std::filesystem::path store;
  std::string host = "127.0.0.1";  // of our own addresses; "0.0.0.0" and "::" are all
  std::uint16_t port = 0;          // 0: any that is free
  std::string cert_file, key_file;
  std::string ca_file;
  crypto::SecretText token;
  // Objects that are made when they are asked for, of names that begin with "notes/"; kNotFound for
  // those that are not. Called by several threads at once. May be empty.
  std::function<Result<std::string>(const std::string& name)> make_note;
  ServeLimits limits;
};

// A server that answers, on threads of its own, until it is dropped, which waits for requests that
// are under way: at most some seconds.
class ObjectServer {
 public:
  virtual ~ObjectServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

// Serves what lies in the store's `checkpoints`, `keys` and `packs`, and notes; protocol:
// docs/remotes.md. From now on the process ignores SIGPIPE. kInvalidInput for files that are no
// certificate or key, or if anybody could read; kBusy if the address is taken.
Result<std::unique_ptr<ObjectServer>> serve_objects(ServeOptions options);

}  // namespace reprise::remote
