// SPDX-License-Identifier: Apache-2.0
#include "container/io_uring.h"

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

json edited(const json& config) {
  const auto text = without_io_uring(config.dump());
  EXPECT_TRUE(text) << text.error().message();
  return json::parse(text.value_or("{}"));
}

TEST(IoUring, MakesAProfileWhereThereIsNone) {
  for (const json& config :
       {json::parse(R"({"ociVersion": "1.0.2", "process": {"oomScoreAdj": 18446744073709551615}})"),
        json::parse(R"({"ociVersion": "1.0.2", "process": {"oomScoreAdj": 18446744073709551615},
                        "linux": {"seccomp": {"defaultAction": "", "syscalls": null}}})")}) {
    json result = edited(config);
    json seccomp = result["linux"]["seccomp"];
    EXPECT_EQ(seccomp["defaultAction"], "SCMP_ACT_ALLOW");
    EXPECT_EQ(seccomp["syscalls"], json::array({kRule}));
#if defined(__x86_64__)
    // Without these, programs of 32 bits would be killed.
    EXPECT_EQ(seccomp["architectures"],
              json::parse(R"(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])"));
#endif
    EXPECT_EQ(result["process"], config["process"]);
    EXPECT_EQ(result["ociVersion"], "1.0.2");
  }
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

TEST(IoUring, LeavesWhatIsNoConfigurationAlone) {
  for (const char* text : {"", "no json", "[]", R"({"linux": []})",
                           R"({"linux": {"seccomp": {"syscalls": [{"action": "x"}]}}})",
                           R"({"linux": {"seccomp": {"syscalls": {}}}})",
                           R"({"linux": {"seccomp": {"syscalls": [{"names": 7}]}}})"}) {
    const auto result = without_io_uring(text);
    ASSERT_FALSE(result) << text << " became " << *result;
    EXPECT_EQ(result.error().code(), base::ErrorCode::kCorrupt) << text;
  }
}

TEST(IoUring, EditsABundleInPlace) {
  const sys::TestDirectory bundle;
  const auto file = bundle.path() / "config.json";
  EXPECT_FALSE(refuse_io_uring(bundle.path()));
  std::ofstream(file) << "{}";
  ::chmod(file.c_str(), 0640);
  ASSERT_TRUE(refuse_io_uring(bundle.path()));
  EXPECT_NE(sys::read_file(file)->find("io_uring_setup"), std::string::npos);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  std::ofstream(file) << "{broken";
  EXPECT_FALSE(refuse_io_uring(bundle.path()));
  EXPECT_EQ(*sys::read_file(file), "{broken");
}

}  // namespace
}  // namespace reprise::container
