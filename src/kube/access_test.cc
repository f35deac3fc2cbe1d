// SPDX-License-Identifier: Apache-2.0
#include "kube/access.h"

#include <gtest/gtest.h>

#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::kube {
namespace {

using base::ErrorCode;

// "-----CERT" and "-----KEY" in base64.
const std::string kHead = R"(apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {cluster: c, user: u, namespace: shop}
- name: other
  context: {cluster: c, user: token-user}
- name: lost
  context: {cluster: nowhere, user: u}
)";
const std::string kClusters = R"(clusters:
- name: c
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: LS0tLS1DRVJU}
)";
const std::string kUsers = R"(users:
- name: u
  user: {client-certificate-data: LS0tLS1DRVJU, client-key-data: "LS0tLS1LRVk="}
- name: token-user
  user: {tokenFile: token}
)";

Result<Access> read(const std::string& text, const std::string& context = "") {
  const sys::TestDirectory directory;
  (void)directory.file("token", "t");
  return from_kubeconfig(directory.file("config", text), context);
}

TEST(InCluster, IsWhatTheKubeletMounts) {
  const sys::TestDirectory root;
  (void)root.file("token", "abc");
  (void)root.file("ca.crt", "CERT");
  (void)root.file("namespace", "shop\n");
  const auto access = in_cluster("10.96.0.1", "443", root.path());
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->server, "https://10.96.0.1:443");
  EXPECT_EQ(access->token_file, (root / "token").string());
  EXPECT_EQ(access->ca_file, (root / "ca.crt").string());
  EXPECT_EQ(access->namespace_, "shop");
  EXPECT_EQ(in_cluster("fd00::1", "443", root.path())->server, "https://[fd00::1]:443");
}

TEST(InCluster, OutsideOfAPodIsToldWithARemedy) {
  const sys::TestDirectory root;
  for (const auto& access : {in_cluster("", "", root.path()), in_cluster("h", "1", root.path())}) {
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().code(), ErrorCode::kNotFound);
    EXPECT_TRUE(access.error().hint().contains("automountServiceAccountToken"));
  }
}

TEST(Kubeconfig, WhatItHasInsideBecomesFilesThatNobodyElseSees) {
  auto access = read(kHead + kClusters + kUsers);
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->namespace_, "shop");
  const Access copy = *access;
  access = base::fail(ErrorCode::kInternal, "gone");
  EXPECT_EQ(sys::read_file(copy.ca_file).value(), "-----CERT");
  EXPECT_EQ(sys::read_file(copy.key_file).value(), "-----KEY");
  EXPECT_TRUE(copy.key_file.starts_with("/proc/self/fd/"));
}

TEST(Kubeconfig, FilesLieBesideIt) {
  const auto access = read(kHead + kClusters + kUsers, "other");
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_TRUE(access->token_file.ends_with("/token"));
  EXPECT_EQ(access->namespace_, "default");
  EXPECT_TRUE(access->cert_file.empty());
}

TEST(Kubeconfig, ATokenInsideIsKept) {
  const auto access = read(kHead + kClusters + "users: [{name: u, user: {token: secret}}]\n");
  ASSERT_TRUE(access) << access.error().message();
  EXPECT_EQ(access->token.view(), "secret");
}

TEST(Kubeconfig, WhatWeDoNotDoIsRefusedByName) {
  const auto exec =
      read(kHead + kClusters + "users: [{name: u, user: {exec: {command: aws, args: [token]}}}]\n");
  ASSERT_FALSE(exec);
  EXPECT_EQ(exec.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(exec.error().message(), "user 'u' wants 'exec', which is not supported");
  EXPECT_TRUE(exec.error().hint().contains("token"));
  const auto insecure = read(kHead + kUsers +
                             "clusters: [{name: c, cluster: {server: 'https://a', "
                             "insecure-skip-tls-verify: true}}]\n");
  ASSERT_FALSE(insecure);
  EXPECT_TRUE(insecure.error().message().contains("insecure-skip-tls-verify"));
}

TEST(Kubeconfig, BadOnesAreToldWithoutWhatStandsInThem) {
  const std::string secret = "\n- name: u\n  user: {token: hush: hush}}\n";
  const auto broken = read(kHead + kClusters + "users:" + secret);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), ErrorCode::kInvalidInput);
  EXPECT_FALSE(broken.error().message().contains("hush"));
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("text"), kClusters + kUsers,
        kHead + kUsers + "clusters: [{name: c, cluster: {server: 'http://clear'}}]\n",
        kHead + kUsers + "clusters: [{name: c, cluster: {server: [1]}}]\n",
        kHead + kClusters + "users: [{name: u, user: {}}]\n",
        kHead + kClusters + "users: [{name: u, user: {client-key-data: LS0=}}]\n",
        kHead + kClusters + "users: [{name: u, user: {client-key-data: '*'}}]\n"}) {
    const auto access = read(text);
    ASSERT_FALSE(access) << text;
    EXPECT_EQ(access.error().code(), ErrorCode::kInvalidInput) << access.error().message();
  }
}

TEST(Kubeconfig, WhatIsNotThereIsNamed) {
  EXPECT_EQ(read(kHead + kClusters + kUsers, "none").error().message().substr(0, 1), "'");
  for (const auto& [text, context] :
       {std::pair{kHead + kClusters + kUsers, "none"},
        std::pair{kHead + kClusters + kUsers, "lost"}, std::pair{kHead + kClusters, "here"}}) {
    const auto access = read(text, context);
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().code(), ErrorCode::kNotFound) << access.error().message();
  }
  EXPECT_EQ(from_kubeconfig("/nowhere/config").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::kube
