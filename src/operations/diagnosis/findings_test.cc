// SPDX-License-Identifier: Apache-2.0
#include "operations/diagnosis/findings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/id.h"
#include "host/agent_link.h"
#include "host/agent_presence.h"
#include "operations/diagnosis/node_checks.h"
#include "store/checkpoint_store.h"
#include "sys/message_socket.h"
#include "sys/test_directory.h"

namespace reprise::operations {
namespace {

namespace fs = std::filesystem;

TEST(Diagnosis, ReadsVersions) {
  EXPECT_EQ(parse_version("Version: 4.2.1\n"), (std::vector<int>{4, 2, 1}));
  EXPECT_EQ(parse_version("runc version 1.1.15+ds1"), (std::vector<int>{1, 1, 15}));
  EXPECT_EQ(parse_version("6.18.44-fc-v657"), (std::vector<int>{6, 18, 44}));
  EXPECT_TRUE(parse_version("none").empty());
  EXPECT_LT(parse_version("4.2"), parse_version("4.2.1"));
  EXPECT_LT(parse_version("4.9"), parse_version("4.10"));
}

Finding named(const std::vector<Finding>& findings, const std::string& subject) {
  const auto found = std::ranges::find(findings, subject, &Finding::subject);
  if (found != findings.end()) return *found;
  ADD_FAILURE() << "nothing is said of '" << subject << "'";
  return {};
}

// Every check answers on whatever host the tests run on, and says what to do about a failure.
TEST(Diagnosis, AnswersOnThisHost) {
  const fs::path root = fs::temp_directory_path() / ("reprise-doctor-" + base::random_id());
  const Node node{
      .layout = {.store = root / "store", .run = root / "run", .runc = "/no/runc"},
      .store = {.root = root / "store", .key = {.value = (root / "store.key").string()}}};
  const auto findings = check_host(node);
  EXPECT_EQ(findings.size(), host_checks().size());
  for (const Finding& finding : findings) {
    EXPECT_FALSE(finding.text.empty()) << finding.subject;
    EXPECT_TRUE(finding.health != Health::kFail || !finding.remedy.empty()) << finding.subject;
  }
  EXPECT_EQ(named(findings, "runc").health, Health::kFail);
  EXPECT_EQ(named(findings, "store").health, Health::kInfo) << "none yet is no failure";
  EXPECT_EQ(named(findings, "key").health, Health::kInfo) << "the first checkpoint makes it";
  EXPECT_EQ(named(findings, "agent").health, Health::kOk) << "only a cluster's node has one";
  EXPECT_FALSE(fs::exists(root)) << "looking makes none";
}

class NodeChecks : public testing::Test {
 protected:
  NodeChecks() { fs::create_directories(node_.layout.run); }

  sys::TestDirectory root_;
  Node node_{.layout = {.store = root_ / "store", .run = root_ / "run"},
             .store = {.root = root_ / "store", .key = {.value = (root_ / "key").string()}}};
};

// A checkpoint would fail for it, at the worst moment.
TEST_F(NodeChecks, AKeyThatDoesNotOpenTheStoreIsAFailureWithARemedy) {
  ASSERT_TRUE(store::open_store(node_.store));
  EXPECT_EQ(check_key(node_).health, Health::kOk) << check_key(node_).text;
  fs::rename(root_ / "key", root_ / "aside");
  const Finding none = check_key(node_);
  EXPECT_EQ(none.health, Health::kFail) << none.text;
  EXPECT_FALSE(fs::exists(root_ / "key")) << "looking makes none";
  ASSERT_TRUE(crypto::create_key_file(root_ / "key"));
  const Finding other = check_key(node_);
  EXPECT_EQ(other.health, Health::kFail) << other.text;
  EXPECT_FALSE(other.remedy.empty());
}

// It is skipped where it is needed, for a pull say.
TEST_F(NodeChecks, AKeyOfAnotherStoreThatOthersMayReadIsNamed) {
  ASSERT_TRUE(store::open_store(node_.store));
  const fs::path theirs = root_ / "key.d/theirs";
  ASSERT_TRUE(crypto::create_key_file(theirs));
  EXPECT_EQ(check_key(node_).health, Health::kOk) << check_key(node_).text;
  fs::permissions(theirs, fs::perms(0644));
  EXPECT_EQ(check_key(node_).health, Health::kWarn);
  EXPECT_TRUE(check_key(node_).text.contains("'" + theirs.string() + "'"));
  EXPECT_EQ(check_key(node_).remedy, "chmod 600 '" + theirs.string() + "'");
}

// It would claim nothing, and its pods wait.
TEST_F(NodeChecks, OfAClusterThereIsAKeyAndAnAgent) {
  fs::create_directories(node_.store.root);
  EXPECT_EQ(check_key(node_).health, Health::kInfo);
  ASSERT_TRUE(host::expect_agent(node_.store.root, std::chrono::seconds(600)));
  EXPECT_EQ(check_key(node_).health, Health::kFail);
  EXPECT_FALSE(check_key(node_).remedy.empty());
  EXPECT_FALSE(fs::exists(root_ / "key")) << "looking makes none";
  EXPECT_EQ(check_agent(node_).health, Health::kWarn);
  ASSERT_TRUE(crypto::create_key_file(root_ / "key"));
  EXPECT_EQ(check_key(node_).health, Health::kInfo);
}

TEST_F(NodeChecks, AnAgentThatIsNotThereAnyMoreIsNamed) {
  EXPECT_EQ(check_agent(node_).health, Health::kOk);
  const auto socket = host::agent_socket_of(node_.layout);
  {
    const auto listener = sys::MessageListener::listen(socket);
    ASSERT_TRUE(listener) << listener.error().message();
    EXPECT_EQ(check_agent(node_).text, "reprised listens at '" + socket.string() + "'");
  }
  std::ofstream(socket) << "";
  EXPECT_EQ(check_agent(node_).health, Health::kWarn);
}

TEST(Diagnosis, SaysWhatIsNotPartOfACheckpoint) {
  podman::ContainerInfo info;
  info.mounts = {{.type = "bind", .name = "", .source = "/srv", .destination = "/host"},
                 {.type = "volume", .name = "data", .source = "/v", .destination = "/data"},
                 {.type = "tmpfs", .name = "", .source = "", .destination = "/tmp"}};
  std::vector<Finding> findings = check_files(info);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_NE(findings[0].text.find("never part"), std::string::npos);
  EXPECT_EQ(findings[1].subject, "volume 'data'");
  EXPECT_EQ(findings[1].health, Health::kInfo);
  EXPECT_NE(findings[1].remedy.find("reprise.dev/volumes=include"), std::string::npos);
  EXPECT_EQ(findings[2].subject, "inode numbers");
  info.annotations["reprise.dev/volumes"] = "include";
  EXPECT_EQ(check_files(info)[1].health, Health::kOk);
  info.annotations["reprise.dev/volumes"] = "yes";
  ASSERT_EQ(check_files(info).size(), 1U);
  EXPECT_EQ(check_files(info)[0].health, Health::kFail);
}

}  // namespace
}  // namespace reprise::operations
