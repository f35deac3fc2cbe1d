// SPDX-License-Identifier: Apache-2.0
#include "daemon/fetches.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/remote_copies.h"
#include "oci/cri.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/test_directory.h"
#include "transfer/transfer.h"

namespace reprise::daemon {
namespace {

TEST(SourceAddress, IsOneOfItsNode) {
  const nlohmann::json node{{"status",
                             {{"addresses",
                               {{{"type", "Hostname"}, {"address", "n1"}},
                                {{"type", "ExternalIP"}, {"address", "203.0.113.9"}},
                                {{"type", "InternalIP"}, {"address", "10.0.0.1"}},
                                {{"type", "InternalIP"}, {"address", "fd00::1"}}}}}}};
  EXPECT_TRUE(is_address_of(node, "10.0.0.1:7434", 7434));
  EXPECT_TRUE(is_address_of(node, "[fd00::1]:7434", 7434));
  for (const char* other :
       {"10.0.0.2:7434", "10.0.0.1:22", "n1:7434", "203.0.113.9:7434", "169.254.169.254:80",
        "10.0.0.1", "10.0.0.1:7434/x", "x@10.0.0.1:7434", ""})
    EXPECT_FALSE(is_address_of(node, other, 7434)) << other;
  EXPECT_FALSE(is_address_of(nlohmann::json::object(), "10.0.0.1:7434", 7434));
}

// What pod db-0 of node n1 left, of which n1 gives nothing any more: nobody listens at its address.
class FetchByRemoteTest : public testing::Test {
 protected:
  FetchByRemoteTest() {
    server_.Get("/api/v1/nodes/n1", [this](const httplib::Request&, httplib::Response& answer) {
      answer.status = has_node_ ? 200 : 404;
      const nlohmann::json node{
          {"status", {{"addresses", {{{"type", "InternalIP"}, {"address", "127.0.0.1"}}}}}}};
      answer.set_content(
          has_node_ ? node.dump() : R"({"kind": "Status", "details": {"name": "n1"}})",
          "application/json");
    });
    server_.Put(R"(/apis/reprise\.dev/.*)",
                [](const httplib::Request& request, httplib::Response& answer) {
                  answer.set_content(request.body, "application/json");
                });
    const int port = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    client_ =
        kube::Client::open({.server = "http://127.0.0.1:" + std::to_string(port)}, "test").value();
    view_ = std::make_unique<ClusterView>(*client_, "n2");
    config_.remotes.push_back(
        {.name = "depot", .access = {.url = "file://" + (directory_ / "depot").string()}});
    save();
    fetches_ = std::make_unique<Fetches>(*client_, *view_, at("n2"), config_, "n2", kNobody);
  }
  ~FetchByRemoteTest() override {
    fetches_.reset();
    view_.reset();
    client_.reset();  // a connection kept alive would hold up the server
    server_.stop();
    thread_.join();
  }

  [[nodiscard]] store::StoreConfig at(const std::string& node) const {
    return {
        .root = directory_ / node,
        .key = {.kind = crypto::KeySource::Kind::kFile, .value = (directory_ / "key").string()}};
  }
  // On n1, and from there to the remote.
  void save() {
    const oci::PodContainer source{
        .name_space = "shop", .pod = "db-0", .uid = "0b3e0000-1", .container = "app"};
    const auto store = store::open_store(at("n1")).value();
    auto writer = store->begin({}).value();
    ASSERT_TRUE(writer->keep_part("rootfs.tar", "what it had"));
    ASSERT_TRUE(writer->pages().absorb());
    image::Manifest manifest;
    manifest.key = base::ContainerKey::parse("k8s.io/@" + oci::key_name(source).str()).value();
    manifest.name = oci::full_name(source);
    manifest.trigger = image::Trigger::kStop;
    manifest.created = 7;
    manifest.kernel = "6.18";
    ASSERT_TRUE(writer->seal(manifest));
    id_ = writer->id();
    const auto depot = open_node_remote(config_, "depot").value();
    ASSERT_TRUE(transfer::push_checkpoint(at("n1"), id_, "", *depot, {}));
  }
  CheckpointObject claimable(const std::string& remote) {
    view_->learn(
        {{"metadata",
          {{"name", "db-0-0b3e0000"},
           {"namespace", "shop"},
           {"uid", "c1"},
           {"resourceVersion", std::to_string(++version_)}}},
         {"spec",
          {{"pod", "db-0"}, {"podUID", "0b3e0000-1"}, {"node", "n1"}, {"containers", {"app"}}}},
         {"status",
          {{"phase", "Claimable"},
           {"remote", remote},
           {"source",
            {{"address", "127.0.0.1:" + std::to_string(kNobody)},
             {"publicKey", std::string(43, 'A') + "="}}},
           {"claimedBy", {{"pod", "db-0"}, {"podUID", "u2"}, {"node", "n2"}}},
           {"containers", {{{"name", "app"}, {"checkpoint", id_.str()}}}}}}});
    return view_->checkpoint("c1").value();
  }
  FetchState await(const CheckpointObject& checkpoint,
                   const std::function<bool(const FetchState&)>& is_it) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    FetchState state = fetches_->fetch(checkpoint);
    while (!is_it(state) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      state = fetches_->fetch(checkpoint);
    }
    return state;
  }
  static bool is_over(const FetchState& state) { return state.kind != FetchState::Kind::kRunning; }

  static constexpr std::uint16_t kNobody = 9;
  std::atomic<bool> has_node_ = true;
  int version_ = 0;
  sys::TestDirectory directory_;
  config::Config config_;
  base::CheckpointId id_;
  httplib::Server server_;
  std::thread thread_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<ClusterView> view_;
  std::unique_ptr<Fetches> fetches_;
};

TEST_F(FetchByRemoteTest, WhatANodeOutOfReachSavedComesFromTheRemote) {
  const FetchState state = await(claimable("depot"), is_over);
  ASSERT_EQ(state.kind, FetchState::Kind::kDone) << state.words;
  EXPECT_EQ(store::open_catalog(at("n2"))->find_checkpoint(id_.str())->id, id_);
  EXPECT_TRUE(store::open_store(at("n2")).value()->verify(id_));
  // Its node may never be back to remove it there.
  const auto records = CopyRecords(at("n2").root).all();
  ASSERT_TRUE(records && records->size() == 1);
  EXPECT_EQ(records->front().checkpoint, id_);
}

TEST_F(FetchByRemoteTest, AlsoOfANodeThatIsNotOfTheClusterAnyMore) {
  has_node_ = false;
  const FetchState state = await(claimable("depot"), is_over);
  EXPECT_EQ(state.kind, FetchState::Kind::kDone) << state.words;
}

// An object names a remote; where that is, each node knows.
TEST_F(FetchByRemoteTest, NothingComesFromWhatTheNodeDoesNotKnow) {
  const std::string elsewhere = "file://" + (directory_ / "depot").string();
  for (const std::string& remote : {std::string(), std::string("other"), elsewhere}) {
    fetches_ = std::make_unique<Fetches>(*client_, *view_, at("n2"), config_, "n2", kNobody);
    const FetchState state = await(claimable(remote), [](const FetchState& one) {
      return is_over(one) || one.words.contains("does not answer");
    });
    EXPECT_EQ(state.kind, FetchState::Kind::kRunning) << remote << ": " << state.words;
    EXPECT_FALSE(store::open_store(at("n2")).value()->manifest(id_)) << remote;
  }
}

}  // namespace
}  // namespace reprise::daemon
