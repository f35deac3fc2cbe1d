// SPDX-License-Identifier: Apache-2.0
#include "container/refused_calls.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::container {
namespace {

using nlohmann::json;

const json kRule = {{"names", {"io_uring_setup", "io_uring_enter", "io_uring_register"}},
                    {"action", "SCMP_ACT_ERRNO"},
                    {"errnoRet", ENOSYS}};

enum class Refusal : std::uint8_t { kIoUring, kMultipathTcp };

// With one of the two, while the other is allowed.
json edited(json config, Refusal what = Refusal::kIoUring) {
  const bool io_uring = what == Refusal::kIoUring;
  config["annotations"] = {{io_uring ? "reprise.dev/mptcp" : "reprise.dev/io-uring", "allow"},
                           {io_uring ? "reprise.dev/io-uring" : "reprise.dev/mptcp", "deny"}};
  const auto text = refusing_what_cannot_be_saved(config.dump());
  EXPECT_TRUE(text) << text.error().message();
  json result = json::parse(text.value_or("{}"));
  result.erase("annotations");
  return result;
}

// From a field: a program of --privileged that asked for the strict mode of seccomp, as sandboxes
// do, was refused, since it had a filter that nobody had asked for.
TEST(Refusing, MakesNoProfileWhereThereIsNone) {
  for (const char* text :
       {R"({"process": {"oomScoreAdj": 18446744073709551615}})", R"({"linux": {"seccomp": null}})",
        R"({"linux": {"seccomp": {"defaultAction": "", "syscalls": null}}})"})
    EXPECT_EQ(refusing_what_cannot_be_saved(text), text);
}

TEST(IoUring, TakesItOutOfWhatAProfileAllows) {
  const json result = edited(json::parse(R"({"linux": {"seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
      "syscalls": [
        {"names": ["read", "io_uring_enter", "write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["io_uring_setup", "io_uring_register"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_LT"}]}]}}})"));
  const json& seccomp = result["linux"]["seccomp"];
  EXPECT_EQ(seccomp["defaultAction"], "SCMP_ACT_ERRNO");
  EXPECT_EQ(seccomp["defaultErrnoRet"], 1);
  EXPECT_EQ(seccomp["architectures"], json::array({"SCMP_ARCH_X86_64"}));
  const json allowed = {{"names", {"read", "write"}}, {"action", "SCMP_ACT_ALLOW"}};
  EXPECT_EQ(seccomp["syscalls"], json::array({allowed, kRule}));
}

// EPERM, or death, is nothing that programs fall back from.
TEST(IoUring, ReplacesWhatAProfileRefuses) {
  const json result = edited(json::parse(R"({"linux": {"seccomp": {
      "defaultAction": "SCMP_ACT_ALLOW",
      "syscalls": [{"names": ["io_uring_setup", "io_uring_enter", "io_uring_register"],
                    "action": "SCMP_ACT_KILL_PROCESS"}]}}})"));
  EXPECT_EQ(result["linux"]["seccomp"]["syscalls"], json::array({kRule}));
  EXPECT_EQ(edited(result), result);  // once is enough
}

// Which of the rules, by their alternatives, allow a call.
bool allows(const json& profile, std::uint64_t domain, std::uint64_t protocol) {
  const auto holds = [&](const json& condition) {
    const std::uint64_t argument = condition["index"] == 2 ? protocol : domain;
    const auto value = condition["value"].get<std::uint64_t>();
    const std::string op = condition["op"];
    if (op == "SCMP_CMP_EQ") return argument == value;
    if (op == "SCMP_CMP_NE") return argument != value;
    if (op == "SCMP_CMP_LT") return argument < value;
    if (op == "SCMP_CMP_GT") return argument > value;
    EXPECT_EQ(op, "SCMP_CMP_MASKED_EQ");
    return (argument & value) == condition["valueTwo"].get<std::uint64_t>();
  };
  for (const json& rule : profile["linux"]["seccomp"]["syscalls"]) {
    if (rule["action"] != "SCMP_ACT_ALLOW" || rule["names"] != json::array({"socket"})) continue;
    bool all = true;
    int on_protocol = 0;
    for (const json& condition : rule.value("args", json::array())) {
      all = all && holds(condition);
      if (condition["index"] == 2) ++on_protocol;
    }
    EXPECT_EQ(on_protocol, 1) << "runc would take them for alternatives: " << rule;
    if (all) return true;
  }
  return false;
}

constexpr std::uint64_t kInet = 2, kNetlink = 16, kAudit = 9, kMptcp = 262;

// As Podman writes it for a container without CAP_AUDIT_WRITE.
TEST(Refusing, MultipathTcpIsTakenOutOfWhatAllowsSockets) {
  const json result = edited(json::parse(R"({"linux": {"seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
      "syscalls": [
        {"names": ["read", "socketpair"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [
          {"index": 0, "value": 16, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_EQ"}]},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 2, "value": 9, "op": "SCMP_CMP_NE"}]},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 16, "op": "SCMP_CMP_NE"}]}]}}})"),
                             Refusal::kMultipathTcp);
  for (std::uint64_t protocol = 0; protocol < 600; ++protocol) {
    EXPECT_EQ(allows(result, kInet, protocol), protocol != kMptcp) << protocol;
    EXPECT_EQ(allows(result, kNetlink, protocol), protocol != kMptcp && protocol != kAudit)
        << protocol;
  }
  EXPECT_TRUE(allows(result, kInet, ~std::uint64_t{0}));
  const json& rules = result["linux"]["seccomp"]["syscalls"];
  EXPECT_EQ(rules.front()["names"], json::array({"read", "socketpair"}));
  EXPECT_EQ(rules.back()["errnoRet"], EPROTONOSUPPORT);
  EXPECT_EQ(edited(result, Refusal::kMultipathTcp)["linux"]["seccomp"]["syscalls"].back(),
            rules.back());
}

TEST(Refusing, MultipathTcpWhereSocketsAreAllowedWithOthers) {
  const json result = edited(json::parse(R"({"linux": {"seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO",
      "syscalls": [{"names": ["read", "socket", "write"], "action": "SCMP_ACT_ALLOW"}]}}})"),
                             Refusal::kMultipathTcp);
  EXPECT_EQ(result["linux"]["seccomp"]["syscalls"][0]["names"], json::array({"read", "write"}));
  EXPECT_FALSE(allows(result, kInet, kMptcp));
  for (const std::uint64_t protocol : {0U, 6U, 17U, 261U, 263U})
    EXPECT_TRUE(allows(result, kInet, protocol));
}

TEST(Refusing, WhatCannotBeSaidStays) {
  const json config = json::parse(R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO",
      "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 2, "value": 300, "op": "SCMP_CMP_LE"}]}]}}})");
  EXPECT_EQ(edited(config, Refusal::kMultipathTcp), config);
}

TEST(IoUring, LeavesWhatIsNoConfigurationAlone) {
  for (const char* text : {"", "no json", "[]", R"({"linux": []})",
                           R"({"linux": {"seccomp": {"syscalls": [{"action": "x"}]}}})",
                           R"({"linux": {"seccomp": {"syscalls": {}}}})",
                           R"({"linux": {"seccomp": {"syscalls": [{"names": 7}]}}})"}) {
    const auto result = refusing_what_cannot_be_saved(text);
    ASSERT_FALSE(result) << text << " became " << *result;
    EXPECT_EQ(result.error().code(), base::ErrorCode::kCorrupt) << text;
  }
}

TEST(IoUring, EditsABundleInPlace) {
  const sys::TestDirectory bundle;
  const auto file = bundle.path() / "config.json";
  EXPECT_FALSE(refuse_what_cannot_be_saved(bundle.path()));
  std::ofstream(file) << R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}})";
  ::chmod(file.c_str(), 0640);
  ASSERT_TRUE(refuse_what_cannot_be_saved(bundle.path()));
  EXPECT_NE(sys::read_file(file)->find("io_uring_setup"), std::string::npos);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  std::ofstream(file) << "{broken";
  EXPECT_FALSE(refuse_what_cannot_be_saved(bundle.path()));
  EXPECT_EQ(*sys::read_file(file), "{broken");
}

}  // namespace
}  // namespace reprise::container
