// SPDX-License-Identifier: Apache-2.0
#include "daemon/peer_service.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/claim_token.h"
#include "oci/cri.h"
#include "remote/peer.h"
#include "store/open_catalog.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

using base::ErrorCode;
using nlohmann::json;

constexpr http::Patience kPatience{.connect = std::chrono::seconds{60},
                                   .stall = std::chrono::seconds{60},
                                   .tries = 1,
                                   .backoff = std::chrono::milliseconds{10}};

TEST(ClaimToken, IsKnownByItsHash) {
  const auto token = make_claim_token().value();
  EXPECT_EQ(token.view().size(), 64U);
  EXPECT_NE(token.view(), make_claim_token().value().view());
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HostAndPort, AreTakenApart) {
  const auto v4 = parse_host_and_port("10.0.0.1:7434");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->host, "10.0.0.1");
  EXPECT_EQ(v4->port, 7434);
  EXPECT_EQ(parse_host_and_port("[::]:1")->host, "::");
  for (const char* text : {"", "host", ":1", "host:", "host:x", "host:70000", "host:1x"})
    EXPECT_EQ(parse_host_and_port(text).error().code(), ErrorCode::kInvalidInput) << text;
}

TEST(HostAndPort, OurOwnAddressIsFoundByTheWay) {
  EXPECT_EQ(address_towards("https://127.0.0.1:6443/x").value_or("none"), "127.0.0.1");
}

// A node of which pod "web-0" was evicted: its container "app" was saved as checkpoint "saved".
class PeerServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(store_.root / "checkpoints");
    ASSERT_TRUE(sys::replace_file(store_.root / "checkpoints/saved", "sealed"));
    ASSERT_TRUE(sys::replace_file(store_.root / "checkpoints/other", "sealed"));
    std::filesystem::create_directories(store_.root / "packs");
    ASSERT_TRUE(sys::replace_file(store_.root / "packs/theirs.pack", "sealed"));
    auto catalog = store::open_catalog(store_).value();
    image::Manifest manifest;
    manifest.id = base::CheckpointId("saved");
    manifest.key = key_;
    manifest.name = "shop/web-0/app";
    ASSERT_TRUE(catalog.add_checkpoint(manifest, "", catalog::Catalog::Continue::kYes));
    catalog::SessionRow row{.id = base::SessionId("s1"), .key = key_, .trigger = "stop"};
    ASSERT_TRUE(catalog.begin_session(row));
    row.status = catalog::SessionStatus::kOk;
    row.checkpoint = manifest.id;
    row.end = 1;
    ASSERT_TRUE(catalog.finish_session(row));
    auto started =
        PeerService::start({.host = "127.0.0.1", .address = "127.0.0.1"}, view_, store_, "n1");
    ASSERT_TRUE(started) << started.error().message();
    service_ = std::move(*started);
  }

  // The object as the API has it, claimed with `token_`, after `change`.
  void learn(const std::function<void(json&)>& change = nullptr) {
    json object{
        {"metadata",
         {{"name", "web-0-0b3e0000"},
          {"namespace", "shop"},
          {"uid", "c1"},
          {"resourceVersion", std::to_string(++version_)}}},
        {"spec",
         {{"pod", "web-0"}, {"podUID", "0b3e0000-1"}, {"node", "n1"}, {"containers", {"app"}}}},
        {"status",
         {{"phase", "Claimable"},
          {"claimedBy", {{"podUID", "u2"}, {"node", "n2"}, {"tokenHash", hash_of("token")}}},
          {"containers", {{{"name", "app"}, {"checkpoint", "saved"}}}}}}};
    if (change) change(object);
    view_.learn(object);
  }

  [[nodiscard]] base::Result<std::string> get(const std::string& name,
                                              const std::string& token = "token") const {
    const auto peer = REPRISE_PASS(remote::open_peer({.url = "https://" + service_->peer().address,
                                                      .token = crypto::SecretText(token),
                                                      .pin = service_->peer().pin,
                                                      .patience = kPatience}));
    return peer->get(name, 100);
  }
  void expect_denied(const std::string& why, const std::string& name = "checkpoints/saved",
                     const std::string& token = "token") const {
    const auto got = get(name, token);
    ASSERT_FALSE(got) << why;
    EXPECT_EQ(got.error().code(), ErrorCode::kDenied) << why << ": " << got.error().message();
  }

  sys::TestDirectory directory_;
  store::StoreConfig store_ = store::StoreConfig::at(directory_ / "store");
  base::ContainerKey key_ =
      base::ContainerKey::parse(
          "k8s.io/@" +
          oci::key_name(oci::PodContainer{.uid = "0b3e0000-1", .container = "app"}).str())
          .value();
  // Nobody answers there; what is known is what the test says.
  std::unique_ptr<kube::Client> client_ =
      kube::Client::open({.server = "http://127.0.0.1:9"}, "test").value();
  ClusterView view_{*client_, "n1"};
  int version_ = 0;
  std::unique_ptr<PeerService> service_;
};

TEST_F(PeerServiceTest, WhoHasClaimedItGetsIt) {
  learn();
  const auto got = get("checkpoints/saved");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, "sealed");
}

TEST_F(PeerServiceTest, AndNothingElse) {
  learn();
  for (const char* name : {"checkpoints/other", "packs/theirs.pack", "catalog.db"})
    expect_denied(name, name);
}

// Of the keys, which are wrapped, its namespace's; and the one under which an earlier version kept
// everybody's, since what was claimed lies there.
TEST_F(PeerServiceTest, AndTheKeysOfItsNamespaceAlone) {
  std::filesystem::create_directories(store_.root / "keys");
  for (const char* tenant : {"default", "ns.shop", "ns.shopping"})
    ASSERT_TRUE(sys::replace_file(store_.root / "keys" / (tenant + std::string(".json")), "key"));
  learn();
  EXPECT_TRUE(get("keys/ns.shop.json"));
  EXPECT_TRUE(get("keys/default.json"));
  EXPECT_EQ(get("keys/ns.shop.0123.json").error().code(), ErrorCode::kNotFound);
  expect_denied("another namespace's", "keys/ns.shopping.json");

  const auto own = store_.root / "tenants/ns.shop/checkpoints";
  std::filesystem::create_directories(own);
  std::filesystem::rename(store_.root / "checkpoints/saved", own / "saved");
  EXPECT_TRUE(get("checkpoints/saved")) << "it lies in its namespace's place";
  expect_denied("it needs no other key", "keys/default.json");
}

TEST_F(PeerServiceTest, NobodyElseGetsIt) {
  expect_denied("nobody has claimed it");
  learn();
  expect_denied("another token", "checkpoints/saved", "another");
  expect_denied("the hash is no token", "checkpoints/saved", hash_of("token"));
}

TEST_F(PeerServiceTest, OnlyWhileItIsClaimable) {
  for (const char* phase : {"Promised", "Withdrawn", "Consumed"}) {
    learn([&](json& object) { object["status"]["phase"] = phase; });
    expect_denied(phase);
  }
}

TEST_F(PeerServiceTest, OnlyWhatIsOfThatPod) {
  learn([](json& object) { object["metadata"]["name"] = "forged"; });
  expect_denied("an object that is not ours");
  learn([](json& object) { object["metadata"]["namespace"] = "theirs"; });
  expect_denied("a pod of another namespace");
  learn([](json& object) {
    object["status"]["containers"] = {{{"name", "app"}, {"checkpoint", "other"}}};
  });
  expect_denied("not what its stop left", "checkpoints/other");
  learn([](json& object) { object["spec"]["node"] = "n3"; });
  expect_denied("a pod of another node");
}

TEST_F(PeerServiceTest, NothingOnceItWentOnHere) {
  learn();
  ASSERT_TRUE(store::open_catalog(store_)->drop_continuation(key_));
  expect_denied("it went on");
}

}  // namespace
}  // namespace reprise::daemon
