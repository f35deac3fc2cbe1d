// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <httplib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "json/writer.h"
#include "remote/internal/guarded_server.h"
#include "remote/peer.h"
#include "sys/beneath.h"
#include "sys/files.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;
using base::fail;
using std::filesystem::path;

namespace {

constexpr std::array<std::string_view, 3> kServed{"checkpoints", "keys", "packs"};
constexpr std::string_view kNotes = "notes/";
constexpr std::string_view kObjects = "/v1/objects";
constexpr std::size_t kServedPiece = std::size_t{256} << 10;
constexpr std::size_t kRequestsPerConnection = 10'000;

enum Status : int {
  kOk = 200,
  kBadRequest = 400,
  kUnauthorized = 401,
  kMissing = 404,
  kNoMethod = 405,
  kNoRange = 416,
  kFailed = 500
};

bool is_served(const std::string& name) {
  if (!check_object_name(name)) return false;
  return std::ranges::any_of(kServed, [&](std::string_view directory) {
    return name.starts_with(directory) && name.substr(directory.size()).starts_with('/');
  });
}

std::string tls_trouble() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

Result<void> set_up_tls(SSL_CTX& context, const ServeOptions& options) {
  const auto refuse = [](const std::string& file, const char* what) {
    return fail(ErrorCode::kInvalidInput, "'" + file + "' is no " + what + ": " + tls_trouble());
  };
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  // A handshake costs us more than a stranger: one for each connection.
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_use_certificate_chain_file(&context, options.cert_file.c_str()) != 1)
    return refuse(options.cert_file, "certificate");
  if (SSL_CTX_use_PrivateKey_file(&context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
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

bool has_token(const httplib::Request& request, std::string_view token) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string given = request.get_header_value("Authorization");
  return given.starts_with(kBearer) && same(std::string_view(given).substr(kBearer.size()), token);
}

// The library (0.11) trusts that a range lies in what it is a range of.
bool is_within(const httplib::Ranges& ranges, std::uint64_t bytes) {
  if (ranges.empty()) return true;
  const auto [first, last] = ranges.front();
  return ranges.size() == 1 && first >= 0 && static_cast<std::uint64_t>(first) < bytes &&
         (last == -1 || (last >= first && static_cast<std::uint64_t>(last) < bytes));
}

bool send_piece(const sys::UniqueFd& file, std::size_t offset, std::size_t length,
                httplib::DataSink& sink) {
  std::vector<char> piece(std::min(length, kServedPiece));
  const auto got = sys::read_at(file.get(), offset, std::as_writable_bytes(std::span(piece)));
  return got && *got > 0 && sink.write(piece.data(), *got);
}

class Server final : public ObjectServer {
 public:
  static Result<std::unique_ptr<Server>> start(ServeOptions options);
  ~Server() override;
  [[nodiscard]] std::uint16_t port() const override { return port_; }

 private:
  explicit Server(ServeOptions options);
  Result<void> bind();
  int answer(const httplib::Request& request, httplib::Response& response) const;
  int send_object(const std::string& name, const httplib::Request& request,
                  httplib::Response& response) const;
  int send_note(const std::string& name, const httplib::Request& request,
                httplib::Response& response) const;
  int send_list(const std::string& prefix, httplib::Response& response) const;

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  ServeOptions options_;
  std::unique_ptr<SSL_CTX, Free> tls_;
  GuardedServer http_;
  std::uint16_t port_ = 0;
  std::atomic<bool> ended_ = false;
  std::jthread listening_;
};

Server::Server(ServeOptions options)
    : options_(std::move(options)),
      tls_(SSL_CTX_new(TLS_server_method())),
      http_(*tls_,
            options_.token.empty() ? GuardedServer::Trust::kHandshake
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
        if (status != kOk) response.status = status;
        return httplib::Server::HandlerResponse::Handled;
      });
}

int Server::answer(const httplib::Request& request, httplib::Response& response) const {
  if (!options_.token.empty() && !has_token(request, options_.token.view())) return kUnauthorized;
  GuardedServer::trust(request);
  // Its body, which nobody asked for, would be read as the next request.
  if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding"))
    GuardedServer::finish(request);
  if (request.method != "GET" && request.method != "HEAD") return kNoMethod;
  if (request.path == kObjects) return send_list(request.get_param_value("prefix"), response);
  if (!request.path.starts_with(std::string(kObjects) + "/")) return kMissing;
  return send_object(request.path.substr(kObjects.size() + 1), request, response);
}

int Server::send_object(const std::string& name, const httplib::Request& request,
                        httplib::Response& response) const {
  if (name.starts_with(kNotes) && check_object_name(name))
    return send_note(name, request, response);
  if (!is_served(name)) return kMissing;
  auto opened = sys::open_beneath(options_.store, name, O_RDONLY | O_NONBLOCK);
  if (!opened) {
    const int number = opened.error().error_number();
    return number == ENOENT || number == ENOTDIR ? kMissing : kFailed;
  }
  const auto file = std::make_shared<const sys::UniqueFd>(std::move(*opened));
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return kFailed;
  if (!S_ISREG(status.st_mode)) return kMissing;
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (!is_within(request.ranges, bytes)) return kNoRange;
  if (bytes == 0) {  // of which the library cannot make pieces
    response.set_content("", "application/octet-stream");
    return kOk;
  }
  response.set_content_provider(
      bytes, "application/octet-stream",
      [file](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        return send_piece(*file, offset, length, sink);
      });
  return kOk;
}

int Server::send_note(const std::string& name, const httplib::Request& request,
                      httplib::Response& response) const {
  if (!options_.make_note) return kMissing;
  const Result<std::string> note = options_.make_note(name);
  if (!note) return note.error().code() == ErrorCode::kNotFound ? kMissing : kFailed;
  if (!is_within(request.ranges, note->size())) return kNoRange;
  response.set_content(*note, "application/octet-stream");
  return kOk;
}

int Server::send_list(const std::string& prefix, httplib::Response& response) const {
  auto objects = nlohmann::json::array();
  const auto store = open_directory(options_.store);
  for (const std::string_view directory : kServed) {
    const auto listed = store->list(std::string(directory) + "/");
    if (!listed) return kFailed;
    for (const ObjectInfo& object : *listed) {
      // Links are not followed when they are asked for.
      std::error_code gone;
      if (std::filesystem::is_symlink(options_.store / object.name, gone)) continue;
      if (object.name.starts_with(prefix))
        objects.push_back({{"name", object.name}, {"bytes", object.bytes}});
    }
  }
  response.set_content(json_writer::print(nlohmann::json{{"objects", std::move(objects)}}),
                       "application/json");
  return kOk;
}

Result<void> Server::bind() {
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

Result<std::unique_ptr<Server>> Server::start(ServeOptions options) {
  auto server = std::unique_ptr<Server>(new Server(std::move(options)));
  REPRISE_PASS(server->bind());
  server->listening_ = std::jthread([it = server.get()] {
    it->http_.listen_after_bind();
    it->ended_ = true;
  });
  // stop() does nothing to one that does not run yet.
  while (!server->http_.is_running() && !server->ended_)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return server;
}

Server::~Server() { http_.stop(); }

}  // namespace

Result<std::unique_ptr<ObjectServer>> serve_objects(ServeOptions options) {
  if (options.ca_file.empty() && options.token.empty())
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "anybody could read '" + options.store.string() + "'")
            .with_hint("name the authority of those who may (--ca), or a token (--token-file)"));
  std::error_code missing;
  if (!std::filesystem::is_directory(options.store, missing))
    return fail(ErrorCode::kNotFound, "there is no store '" + options.store.string() + "'");
  for (const std::string& file : {options.cert_file, options.key_file, options.ca_file})
    if (!file.empty()) REPRISE_PASS(sys::read_file(file));
  return REPRISE_PASS(Server::start(std::move(options)));
}

}  // namespace reprise::remote
