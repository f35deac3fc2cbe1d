// SPDX-License-Identifier: Apache-2.0
//
// An HTTPS server from which strangers, who have not shown yet who they are, can take little:
// neither memory, nor the time or the places of those who may read.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <memory>

#include "http/internal/connections.h"
#include "http/limits.h"

namespace reprise::http {

// The library reads lines of any length, and each read may take its time anew, so what it reads
// goes through connections of ours. Where it would wait for a free thread, a stranger has to go.
//
// What `limits` say holds for each connection until it is trusted; from then on a request's line
// and headers alone are bounded, and each write has `patience`.
class GuardedServer final : public httplib::Server {
 public:
  // Whom to trust: whoever has finished the handshake, which asks for a certificate, or whom
  // trust() names.
  enum class Trust : std::uint8_t { kHandshake, kRequest };
  // `context` must outlive the server.
  GuardedServer(SSL_CTX& context, Trust trust, const Limits& limits);

  // To be called by a handler once the sender of `request` has shown that he may read.
  static void trust(const httplib::Request& request);
  // Lets `request` be the last of its connection.
  static void finish(const httplib::Request& request);
  // After bind_to_port(): lets more connections wait to be accepted than the library does.
  void widen_backlog() const;

 private:
  bool process_and_close_socket(socket_t socket) override;
  void serve(TlsConnection& connection);

  SSL_CTX& context_;
  Trust trust_;
  Limits limits_;
  Connections connections_;
};

}  // namespace reprise::http
