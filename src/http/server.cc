// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <httplib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "http/internal/guarded_server.h"
#include "sys/files.h"

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using base::fail;

std::string Question::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

namespace {

constexpr std::size_t kServedPiece = std::size_t{256} << 10;
constexpr std::size_t kRequestsPerConnection = 10'000;

enum Status : int { kOk = 200, kUnauthorized = 401, kNoRange = 416 };

std::string tls_trouble() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

bool use(SSL_CTX& context, const SelfSigned& own) {
  const auto memory = [](std::string_view text) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  };
  const auto certificate_text = memory(own.certificate);
  const auto key_text = memory(own.key.view());
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr), &X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  return certificate && key && SSL_CTX_use_certificate(&context, certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(&context, key.get()) == 1;
}

Result<void> set_up_tls(SSL_CTX& context, const ServerOptions& options) {
  const auto refuse = [](const std::string& file, const char* what) {
    return fail(ErrorCode::kInvalidInput, "'" + file + "' is no " + what + ": " + tls_trouble());
  };
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  // A handshake costs us more than a stranger: one for each connection.
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION);
  if (options.own && !use(context, *options.own)) return refuse("own", "certificate");
  if (!options.own && SSL_CTX_use_certificate_chain_file(&context, options.cert_file.c_str()) != 1)
    return refuse(options.cert_file, "certificate");
  if (!options.own &&
      SSL_CTX_use_PrivateKey_file(&context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return refuse(options.key_file, "key of the certificate");
  if (options.ca_file.empty()) return {};
  if (SSL_CTX_load_verify_locations(&context, options.ca_file.c_str(), nullptr) != 1)
    return refuse(options.ca_file, "certificate of an authority");
  // In TLS 1.3 a client has sent its request before it is told that its certificate is refused, and
  // learns of a broken connection instead; in 1.2 it is told in the handshake.
  SSL_CTX_set_max_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without one, clients with certificates could not resume their sessions.
  constexpr std::array<unsigned char, 7> kName{'r', 'e', 'p', 'r', 'i', 's', 'e'};
  SSL_CTX_set_session_id_context(&context, kName.data(), kName.size());
  return {};
}

// Compares in a time that does not depend on where they differ.
bool same(std::string_view given, std::string_view wanted) {
  return given.size() == wanted.size() &&
         CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}

// Empty if there is none.
std::string token_of(const httplib::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string given = request.get_header_value("Authorization");
  return given.starts_with(kBearer) ? given.substr(kBearer.size()) : std::string();
}

// The library (0.11) trusts that a range lies in what it is a range of.
bool is_within(const httplib::Ranges& ranges, std::uint64_t bytes) {
  if (ranges.empty()) return true;
  const auto [first, last] = ranges.front();
  return ranges.size() == 1 && first >= 0 && static_cast<std::uint64_t>(first) < bytes &&
         (last == -1 || (last >= first && static_cast<std::uint64_t>(last) < bytes));
}

bool send_piece(const Pieces& pieces, std::size_t offset, std::size_t length,
                httplib::DataSink& sink) {
  std::vector<char> piece(std::min(length, kServedPiece));
  const auto got = pieces.read(offset, std::as_writable_bytes(std::span(piece)));
  return got && *got > 0 && sink.write(piece.data(), *got);
}

class SinkOutlet final : public Outlet {
 public:
  SinkOutlet(httplib::DataSink& sink, const std::atomic<bool>& ending)
      : sink_(sink), ending_(ending) {}
  Result<void> write(std::string_view piece) override {
    // The library takes an empty piece for the end.
    if (piece.empty() || sink_.write(piece.data(), piece.size())) return {};
    return fail(ErrorCode::kGone, "the other side has gone");
  }
  [[nodiscard]] bool is_ending() const override { return ending_; }

 private:
  httplib::DataSink& sink_;
  const std::atomic<bool>& ending_;
};

class TlsServer final : public Server {
 public:
  TlsServer(ServerOptions options, Handler handler);
  ~TlsServer() override;
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  Result<void> bind();
  void listen();

 private:
  int answer(const httplib::Request& request, httplib::Response& response) const;
  // The status to answer with.
  int put(const std::string& body, const httplib::Request& request, Answer& answer,
          httplib::Response& response) const;
  int put(Pieces pieces, const httplib::Request& request, Answer& answer,
          httplib::Response& response) const;
  int put(Stream stream, const httplib::Request& request, Answer& answer,
          httplib::Response& response) const;

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  ServerOptions options_;
  Handler handler_;
  std::unique_ptr<SSL_CTX, Free> tls_;
  GuardedServer http_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> ended_ = false;
  std::jthread listening_;
};

TlsServer::TlsServer(ServerOptions options, Handler handler)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      tls_(SSL_CTX_new(TLS_server_method())),
      http_(*tls_,
            options_.token.empty() && !options_.admits ? GuardedServer::Trust::kHandshake
                                                       : GuardedServer::Trust::kRequest,
            options_.limits) {
  http_.set_payload_max_length(0);
  // A reader may ask for many small ranges, one after the other: each without a new handshake, and
  // without waiting for the acknowledgement of the last piece.
  http_.set_keep_alive_max_count(kRequestsPerConnection);
  http_.set_tcp_nodelay(true);
  // Not the library's SO_REUSEPORT, with which two servers would share a port unseen.
  http_.set_socket_options([](int socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http_.set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        const int status = answer(request, response);
        // 200 is the library's to tell, since a part is 206.
        if (status != kOk) response.status = status;
        return httplib::Server::HandlerResponse::Handled;
      });
}

int TlsServer::answer(const httplib::Request& request, httplib::Response& response) const {
  const std::string token = token_of(request);
  if (!options_.token.empty() && !same(token, options_.token.view())) return kUnauthorized;
  if (options_.admits && (token.empty() || !options_.admits(token))) return kUnauthorized;
  GuardedServer::trust(request);
  // Its body, which nobody asked for, would be read as the next request.
  if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding"))
    GuardedServer::finish(request);
  Answer answer = handler_({.method = request.method,
                            .path = request.path,
                            .parameters = request.params,
                            .token = options_.admits ? token : std::string()});
  return std::visit([&](auto& body) { return put(std::move(body), request, answer, response); },
                    answer.body);
}

int TlsServer::put(const std::string& body, const httplib::Request& request, Answer& answer,
                   httplib::Response& response) const {
  if (answer.status == kOk && !is_within(request.ranges, body.size())) return kNoRange;
  response.set_content(body, answer.type);
  return answer.status;
}

int TlsServer::put(Pieces pieces, const httplib::Request& request, Answer& answer,
                   httplib::Response& response) const {
  // Of nothing the library cannot make pieces.
  if (pieces.bytes == 0) return put(std::string(), request, answer, response);
  if (!is_within(request.ranges, pieces.bytes)) return kNoRange;
  const std::uint64_t bytes = pieces.bytes;
  response.set_content_provider(bytes, answer.type,
                                [pieces = std::move(pieces)](std::size_t offset, std::size_t length,
                                                             httplib::DataSink& sink) {
                                  return send_piece(pieces, offset, length, sink);
                                });
  return answer.status;
}

int TlsServer::put(Stream stream, const httplib::Request& request, Answer& answer,
                   httplib::Response& response) const {
  if (!request.ranges.empty()) return kNoRange;
  response.set_chunked_content_provider(
      answer.type, [this, stream = std::move(stream)](std::size_t, httplib::DataSink& sink) {
        SinkOutlet outlet(sink, ending_);
        if (!stream(outlet)) return false;
        sink.done();
        return true;
      });
  return answer.status;
}

Result<void> TlsServer::bind() {
  REPRISE_PASS(set_up_tls(*tls_, options_));
  if (options_.port == 0) {
    const int port = http_.bind_to_any_port(options_.host);
    port_ = port > 0 ? static_cast<std::uint16_t>(port) : 0;
  } else if (http_.bind_to_port(options_.host, options_.port)) {
    port_ = options_.port;
  }
  if (port_ != 0) {
    http_.widen_backlog();
    return {};
  }
  return std::unexpected(Error(ErrorCode::kBusy, "'" + options_.host + "' port '" +
                                                     std::to_string(options_.port) +
                                                     "' cannot be listened on")
                             .with_hint("another program may have it: give another address"));
}

void TlsServer::listen() {
  listening_ = std::jthread([this] {
    http_.listen_after_bind();
    ended_ = true;
  });
  // stop() does nothing to one that does not run yet.
  while (!http_.is_running() && !ended_) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

TlsServer::~TlsServer() {
  ending_ = true;
  http_.stop();
}

}  // namespace

Result<std::unique_ptr<Server>> start_server(ServerOptions options, Handler handler) {
  if (options.ca_file.empty() && options.token.empty() && !options.admits)
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "anybody could ask a server at '" + options.host + "'")
            .with_hint("name the authority of those who may, or a token"));
  for (const std::string& file : {options.cert_file, options.key_file, options.ca_file})
    if (!file.empty()) REPRISE_PASS(sys::read_file(file));
  auto server = std::make_unique<TlsServer>(std::move(options), std::move(handler));
  REPRISE_PASS(server->bind());
  server->listen();
  return server;
}

}  // namespace reprise::http
