// SPDX-License-Identifier: Apache-2.0
//
// A server over HTTPS for those who may ask. Strangers can take little from it: neither memory, nor
// the time or the places of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "crypto/secret_text.h"
#include "http/limits.h"
#include "http/self_signed.h"

namespace reprise::http {

using base::Result;

// Who may ask is who has a certificate of `ca_file`, the token, or, if both are given, both; or, if
// `admits` is given, who has a token that it knows.
struct ServerOptions {
  std::string host = "127.0.0.1";  // of our own addresses; "0.0.0.0" and "::" are all
  std::uint16_t port = 0;          // 0: any that is free
  std::string cert_file, key_file;
  std::optional<SelfSigned> own;  // instead of these files
  std::string ca_file;
  crypto::SecretText token;
  std::function<bool(std::string_view token)> admits;  // called by several threads at once
  Limits limits;
};

// What somebody asks who may. Bodies of requests are not read.
struct Question {
  std::string method;
  std::string path;  // without what follows '?'
  std::multimap<std::string, std::string> parameters;
  std::string token;  // where ServerOptions::admits knows it

  // The first of this name; empty without one.
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

// An answer of known length, of which a part may be asked for. `read` puts to `out` what lies at
// `offset` and returns how many bytes; none, or an error, cuts the answer off.
struct Pieces {
  std::uint64_t bytes = 0;
  std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> out)> read;
};

// Where an answer goes that is made while it is sent.
class Outlet {
 public:
  virtual ~Outlet() = default;
  // Sends it at once. kGone if the other side has gone, or does not take it.
  virtual Result<void> write(std::string_view piece) = 0;
  // The server is to end: who waits for something to send should not.
  [[nodiscard]] virtual bool is_ending() const = 0;
};

// Sends pieces until it returns; an error cuts the answer off, which the other side can tell from
// its end. Has a thread, and one place of Limits::connections, for as long.
using Stream = std::function<Result<void>(Outlet& outlet)>;

struct Answer {
  int status = 200;
  std::string type = "application/octet-stream";
  std::variant<std::string, Pieces, Stream> body = std::string();
};

// Called by several threads at once.
using Handler = std::function<Answer(const Question&)>;

// Answers, on threads of its own, until it is dropped, which waits for requests that are under way:
// at most some seconds, if their handlers are as quick.
class Server {
 public:
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

// From now on the process ignores SIGPIPE. kInvalidInput for files that are no certificate or key,
// or if anybody could ask; kBusy if the address is taken.
Result<std::unique_ptr<Server>> start_server(ServerOptions options, Handler handler);

}  // namespace reprise::http
