// SPDX-License-Identifier: Apache-2.0
#include "remote/peer.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "http/test_certificates.h"
#include "remote/internal/test_place.h"
#include "remote/open.h"
#include "sys/test_directory.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;

constexpr http::Patience kPatience{.connect = std::chrono::seconds{60},
                                   .stall = std::chrono::seconds{60},
                                   .tries = 3,
                                   .backoff = std::chrono::milliseconds{10}};

// A store that is served to whom one authority vouches for.
struct Node {
  sys::TestDirectory scratch;
  http::TestAuthority authority{scratch, "ca"};
  http::TestCertificate server = authority.issue("server", "IP:127.0.0.1");
  http::TestCertificate client = authority.issue("client", "DNS:client");
  std::unique_ptr<ObjectStore> store = open_directory(scratch / "store");
  std::unique_ptr<http::Server> served;

  Node() { std::filesystem::create_directory(scratch / "store"); }

  [[nodiscard]] ServeOptions serving() const {
    return {.store = scratch / "store",
            .cert_file = server.cert_file,
            .key_file = server.key_file,
            .ca_file = authority.ca_file()};
  }
  void serve(const ServeOptions& options) {
    auto started = serve_objects(options);
    ASSERT_TRUE(started) << started.error().message();
    served = std::move(*started);
  }
  [[nodiscard]] PeerOptions reading() const {
    return {.url = "https://127.0.0.1:" + std::to_string(served->port()),
            .ca_file = authority.ca_file(),
            .cert_file = client.cert_file,
            .key_file = client.key_file,
            .patience = kPatience};
  }
};

TestPlace make_peer() {
  auto node = std::make_shared<Node>();
  node->serve(node->serving());
  auto writer = open_directory(node->scratch / "store");
  const PeerOptions options = node->reading();
  auto opened = open_remote({.url = options.url,
                             .ca_file = options.ca_file,
                             .cert_file = options.cert_file,
                             .key_file = options.key_file});
  EXPECT_TRUE(opened) << opened.error().message();
  return {.behind = node, .objects = std::move(*opened), .writer = std::move(writer)};
}

INSTANTIATE_TEST_SUITE_P(Peer, ObjectStoreTest, testing::Values(PlaceKind{"Peer", &make_peer}),
                         place_name);

class PeerAccess : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(node_.store->put("packs/a", "contents"));
    node_.serve(node_.serving());
  }
  static base::Error refusal(const PeerOptions& options) {
    const auto peer = open_peer(options);
    EXPECT_TRUE(peer) << peer.error().message();
    const auto got = (*peer)->get("packs/a", 100);
    if (got) return {ErrorCode::kInternal, "it was not refused"};
    return got.error();
  }
  Node node_;
};

TEST_F(PeerAccess, WithACertificate) {
  EXPECT_EQ(*(*open_peer(node_.reading()))->get("packs/a", 100), "contents");
}

TEST_F(PeerAccess, NotWithoutACertificate) {
  PeerOptions options = node_.reading();
  options.cert_file.clear();
  options.key_file.clear();
  const base::Error error = refusal(options);
  EXPECT_EQ(error.code(), ErrorCode::kDenied) << error.message();
  EXPECT_NE(error.hint().find("certificate"), std::string::npos);
}

TEST_F(PeerAccess, NotWithACertificateOfAnotherAuthority) {
  const http::TestAuthority other(node_.scratch, "other");
  const http::TestCertificate client = other.issue("client", "DNS:client");
  PeerOptions options = node_.reading();
  options.cert_file = client.cert_file;
  options.key_file = client.key_file;
  EXPECT_EQ(refusal(options).code(), ErrorCode::kDenied) << refusal(options).message();
}

TEST_F(PeerAccess, NotAServerOfAnotherAuthority) {
  const http::TestAuthority other(node_.scratch, "other");
  PeerOptions options = node_.reading();
  options.ca_file = other.ca_file();
  EXPECT_EQ(refusal(options).code(), ErrorCode::kDenied) << refusal(options).message();
}

TEST_F(PeerAccess, NotAServerWithAnotherName) {
  PeerOptions options = node_.reading();
  options.url = "https://localhost:" + std::to_string(node_.served->port());
  const base::Error error = refusal(options);
  EXPECT_EQ(error.code(), ErrorCode::kDenied) << error.message();
  EXPECT_NE(error.hint().find("host name"), std::string::npos);
}

TEST_F(PeerAccess, NotWithoutTLS) {
  PeerOptions options = node_.reading();
  options.url.replace(0, 5, "http");
  EXPECT_EQ(open_peer(options).error().code(), ErrorCode::kInvalidInput);
}

TEST_F(PeerAccess, WithTheTokenWhereOneIsAskedFor) {
  ServeOptions serving = node_.serving();
  serving.ca_file.clear();
  EXPECT_EQ(serve_objects(serving).error().code(), ErrorCode::kInvalidInput);
  serving.token = crypto::SecretText("secret");
  node_.serve(serving);
  PeerOptions options = node_.reading();
  options.cert_file.clear();
  options.key_file.clear();
  EXPECT_EQ(refusal(options).code(), ErrorCode::kDenied);
  options.token = crypto::SecretText("secres");
  const base::Error error = refusal(options);
  EXPECT_EQ(error.code(), ErrorCode::kDenied);
  EXPECT_NE(error.hint().find("token"), std::string::npos);
  options.token = crypto::SecretText("secret");
  EXPECT_EQ(*(*open_peer(options))->get("packs/a", 100), "contents");
}

TEST_F(PeerAccess, OfReadersEachReadsWhatHeMay) {
  const http::SelfSigned own = http::make_self_signed("n1").value();
  ASSERT_TRUE(node_.store->put("packs/b", "other"));
  node_.serve({.store = node_.scratch / "store",
               .own = own,
               .readers = Readers{
                   .knows = [](std::string_view token) { return token.starts_with("claim"); },
                   .may_read =
                       [](std::string_view token, const std::string& object) {
                         return token == "claim 1" && object == "packs/a";
                       }}});
  PeerOptions options{.url = "https://127.0.0.1:" + std::to_string(node_.served->port()),
                      .token = crypto::SecretText("claim 1"),
                      .pin = own.pin,
                      .patience = kPatience};
  const auto peer = open_peer(options).value();
  EXPECT_EQ(*peer->get("packs/a", 100), "contents");
  EXPECT_EQ(peer->get("packs/b", 100).error().code(), ErrorCode::kDenied);
  EXPECT_EQ(peer->list("packs/").error().code(), ErrorCode::kDenied);
  for (const char* token : {"claim 2", "stranger"}) {
    options.token = crypto::SecretText(token);
    EXPECT_EQ(refusal(options).code(), ErrorCode::kDenied) << token;
  }
}

TEST_F(PeerAccess, OnlyToWhatIsServed) {
  ASSERT_TRUE(node_.store->put("catalog.db", "private"));
  ASSERT_TRUE(node_.store->put("staging/a", "private"));
  std::filesystem::create_symlink("../catalog.db", node_.scratch / "store/packs/link");
  const auto peer = std::move(*open_peer(node_.reading()));
  for (const char* name : {"catalog.db", "staging/a", "packs"})
    EXPECT_EQ(peer->get(name, 100).error().code(), ErrorCode::kNotFound) << name;
  EXPECT_FALSE(peer->get("packs/link", 100));
  EXPECT_EQ(*peer->list(""), (std::vector<ObjectInfo>{{.name = "packs/a", .bytes = 8}}));
}

TEST_F(PeerAccess, AnAnswerThatIsNestedDeepIsNoList) {
  httplib::SSLServer other(node_.server.cert_file.c_str(), node_.server.key_file.c_str());
  other.Get("/v1/objects", [](const httplib::Request&, httplib::Response& response) {
    const std::string nested = std::string(3'000'000, '[') + std::string(3'000'000, ']');
    response.set_content(R"({"objects":[)" + nested + "]}", "application/json");
  });
  PeerOptions options = node_.reading();
  options.url = "https://127.0.0.1:" + std::to_string(other.bind_to_any_port("127.0.0.1"));
  std::jthread serving([&] { other.listen_after_bind(); });
  const auto listed = open_peer(options).value()->list("");
  other.stop();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), base::ErrorCode::kCorrupt);
  EXPECT_NE(listed.error().message().find(options.url), std::string::npos);
}

TEST_F(PeerAccess, APeerThatIsGoneIsBusy) {
  const PeerOptions options = node_.reading();
  node_.served.reset();
  EXPECT_EQ(refusal(options).code(), ErrorCode::kBusy);
}

TEST_F(PeerAccess, FilesThatAreNoCertificatesAreNamed) {
  ServeOptions serving = node_.serving();
  serving.key_file = node_.client.key_file;
  EXPECT_EQ(serve_objects(serving).error().code(), ErrorCode::kInvalidInput);
  serving = node_.serving();
  serving.cert_file = node_.scratch.file("text", "no certificate").string();
  const auto refused = serve_objects(serving);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidInput);
  EXPECT_NE(refused.error().message().find(serving.cert_file), std::string::npos);
  serving = node_.serving();
  serving.port = node_.served->port();
  EXPECT_EQ(serve_objects(serving).error().code(), ErrorCode::kBusy);
}

}  // namespace
}  // namespace reprise::remote
