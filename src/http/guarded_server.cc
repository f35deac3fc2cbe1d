// SPDX-License-Identifier: Apache-2.0
#include "http/internal/guarded_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/scope_exit.h"

namespace reprise::http {

GuardedServer::GuardedServer(SSL_CTX& context, Trust trust, const Limits& limits)
    : context_(context), trust_(trust), limits_(limits) {
  new_task_queue = [this] { return new ConnectionThreads(connections_, limits_.connections); };
}

void GuardedServer::trust(const httplib::Request& request) { TlsConnection::of(request)->trust(); }

void GuardedServer::finish(const httplib::Request& request) {
  TlsConnection::of(request)->finish();
}

void GuardedServer::widen_backlog() const {
  // A listening socket takes another length at any time; the library's is 5.
  ::listen(svr_sock_, SOMAXCONN);
}

bool GuardedServer::process_and_close_socket(socket_t socket) {
  connections_.add(socket);
  const base::ScopeExit closes([&] {
    connections_.remove(socket);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
  });
  TlsConnection connection(context_, socket, limits_);
  if (connection.shake_hands()) serve(connection);
  return true;
}

void GuardedServer::serve(TlsConnection& connection) {
  if (trust_ == Trust::kHandshake) connection.trust();
  for (std::size_t left = keep_alive_max_count_; left > 0; --left) {
    if (connection.is_trusted()) connections_.set(connection.socket(), Connections::State::kIdle);
    if (!connection.await_request()) return;
    if (connection.is_trusted()) connections_.set(connection.socket(), Connections::State::kBusy);
    bool closed = false;
    const bool served =
        process_request(connection, left == 1, closed, [&](httplib::Request& request) {
          request.ssl = connection.ssl();
          // The library's compression would hold back what streams send.
          request.headers.erase("Accept-Encoding");
        });
    // A stranger has one try.
    if (!served || closed || !connection.is_trusted()) return;
  }
}

}  // namespace reprise::http
