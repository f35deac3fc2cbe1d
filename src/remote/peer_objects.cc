// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "http/client.h"
#include "http/url.h"
#include "remote/internal/answers.h"
#include "remote/internal/span_reader.h"
#include "remote/peer.h"
#include "remote/remote_url.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

class Peer final : public ObjectStore {
 public:
  Peer(std::string url, unsigned parallel, std::unique_ptr<http::Client> http)
      : url_(std::move(url)), parallel_(parallel), http_(std::move(http)) {}
  [[nodiscard]] std::string url() const override { return url_; }
  Result<void> put(const std::string& name, std::string_view) override { return refuse(name); }
  Result<void> put_file(const std::string& name, const std::filesystem::path&,
                        const Progress&) override {
    return refuse(name);
  }
  Result<void> remove(const std::string& name) override { return refuse(name); }
  Result<std::uint64_t> drop_unfinished(const std::string& prefix, base::UnixMillis) override {
    REPRISE_PASS(refuse(prefix));
    return 0;
  }
  Result<std::string> get(const std::string& name, std::size_t limit) override;
  Result<void> read(const std::string& name, std::uint64_t offset,
                    std::span<std::byte> out) override;
  Result<std::optional<std::uint64_t>> size(const std::string& name) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix) override;

 private:
  [[nodiscard]] Result<void> refuse(const std::string& name) const;
  [[nodiscard]] std::string url_of(const std::string& name) const {
    return url_ + "/v1/objects/" + name;
  }
  Result<http::Response> ask(const http::Request& request, const std::string& name);

  std::string url_;
  unsigned parallel_;
  std::unique_ptr<http::Client> http_;
};

Result<void> Peer::refuse(const std::string& name) const {
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "object '" + name + "' cannot be changed: '" + url_ + "' is another node's store")
          .with_hint("run the command on that node, or use a directory or a bucket"));
}

Result<http::Response> Peer::ask(const http::Request& request, const std::string& name) {
  http::Response response = REPRISE_PASS(http_->perform(request));
  if (response.success()) return response;
  if (response.status == 404)
    return fail(ErrorCode::kNotFound, "there is no object '" + name + "' in '" + url_ + "'");
  if (response.status == 416)
    return fail(ErrorCode::kCorrupt, "object '" + name + "' in '" + url_ + "' is cut off");
  if (response.status == 401 || response.status == 403)
    return std::unexpected(Error(ErrorCode::kDenied, "'" + url_ + "' refuses us with status " +
                                                         std::to_string(response.status))
                               .with_hint("give the token that it was started with"));
  return fail(ErrorCode::kIo,
              "'" + url_ + "' answers with status " + std::to_string(response.status));
}

Result<std::string> Peer::get(const std::string& name, std::size_t limit) {
  REPRISE_PASS(check_object_name(name));
  return REPRISE_TRY(ask({.url = url_of(name), .limit = limit}, name),
                     "reading object '" + name + "'")
      .body;
}

Result<void> Peer::read(const std::string& name, std::uint64_t offset, std::span<std::byte> out) {
  REPRISE_PASS(check_object_name(name));
  if (out.empty() && !REPRISE_PASS(size(name)))
    return fail(ErrorCode::kNotFound, "there is no object '" + name + "' in '" + url_ + "'");
  const auto read_range = [&](std::string range, std::span<std::byte> into,
                              const std::atomic<bool>& stop) {
    return ask({.url = url_of(name), .headers = {std::move(range)}, .into = into, .stop = &stop},
               name);
  };
  REPRISE_TRY(read_span(offset, out, parallel_, read_range), "reading object '" + name + "'");
  return {};
}

Result<std::optional<std::uint64_t>> Peer::size(const std::string& name) {
  REPRISE_PASS(check_object_name(name));
  const Result<http::Response> head = ask({.method = "HEAD", .url = url_of(name)}, name);
  if (!head && head.error().code() == ErrorCode::kNotFound) return std::nullopt;
  const http::Response response =
      REPRISE_TRY(Result<http::Response>(head), "looking at object '" + name + "'");
  const auto found = response.headers.find("content-length");
  const std::string text = found == response.headers.end() ? "" : found->second;
  const auto bytes = number_of(text);
  if (!bytes) return fail(ErrorCode::kCorrupt, "'" + url_ + "' tells no size of '" + name + "'");
  return bytes;
}

Result<std::vector<ObjectInfo>> Peer::list(const std::string& prefix) {
  const http::Response response =
      REPRISE_TRY(ask({.url = url_ + "/v1/objects?prefix=" + http::url_encode(prefix)}, prefix),
                  "listing objects");
  return REPRISE_TRY(parse_peer_list(response.body, prefix), "reading what '" + url_ + "' answers");
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_peer(PeerOptions options) {
  while (options.url.ends_with('/')) options.url.pop_back();
  REPRISE_PASS(check_url(options.url));
  if (options.cert_file.empty() != options.key_file.empty())
    return fail(ErrorCode::kInvalidInput, "a certificate needs its key, and a key its certificate");
  http::ClientOptions reached{.place = options.url,
                              .ca_file = options.ca_file,
                              .cert_file = options.cert_file,
                              .key_file = options.key_file,
                              .pin = options.pin,
                              .patience = options.patience};
  if (!options.token.empty()) reached.bearer = REPRISE_PASS(http::secret_of(options.token));
  auto client = REPRISE_PASS(http::Client::open(std::move(reached)));
  return std::make_unique<Peer>(std::move(options.url), options.parallel, std::move(client));
}

}  // namespace reprise::remote
