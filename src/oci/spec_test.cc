// SPDX-License-Identifier: Apache-2.0
#include "oci/spec.h"

#include <gtest/gtest.h>

namespace reprise::oci {
namespace {

// As Podman 5.4 writes it, shortened.
constexpr const char* kConfig = R"({
  "ociVersion": "1.2.0",
  "process": {"args": ["python3", "-u", "/counter.py"], "cwd": "/"},
  "root": {"path": "/var/lib/containers/storage/overlay/5b06/merged"},
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/etc/hosts", "type": "bind", "source": "/run/x/hosts"},
    {"destination": "/dev/shm", "type": "bind", "source": "/var/x/userdata/shm"}],
  "annotations": {"org.opencontainers.image.stopSignal": "2",
                  "reprise.dev/on-stop": "checkpoint"},
  "linux": {"namespaces": [{"type": "pid"},
                           {"type": "network", "path": "/run/netns/netns-6984"}]}})";

TEST(Spec, ReadsWhatPodmanWrites) {
  const Spec spec = parse_spec(kConfig, "/bundle").value();
  EXPECT_EQ(spec.root_path, "/var/lib/containers/storage/overlay/5b06/merged");
  EXPECT_EQ(command_line(spec), std::string("python3\0-u\0/counter.py\0", 23));
  EXPECT_TRUE(spec.has_network_namespace);
  EXPECT_EQ(spec.network_namespace_path, "/run/netns/netns-6984");
  EXPECT_EQ(external_mounts(spec), (std::vector<std::string>{"/dev/shm", "/etc/hosts"}));
  EXPECT_EQ(shm_directory(spec), "/var/x/userdata/shm");
}

TEST(Spec, MakesARelativeRootAbsolute) {
  const Spec spec = parse_spec(R"({"root": {"path": "rootfs"}})", "/bundle").value();
  EXPECT_EQ(spec.root_path, "/bundle/rootfs");
  EXPECT_FALSE(spec.has_network_namespace);
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(Spec, LeavesTheHostsSharedMemoryAlone) {
  const Spec spec = parse_spec(R"({"root": {"path": "r"}, "mounts": [
        {"destination": "/dev/shm", "type": "bind", "source": "/dev/shm"}]})",
                               "/b")
                        .value();
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(Spec, LeavesSharedMemoryOfOthersAlone) {
  const Spec spec = parse_spec(R"({"root": {"path": "r"}, "mounts": [
        {"destination": "/dev/shm", "type": "bind", "source": "/var/infra/shm"}],
        "linux": {"namespaces": [{"type": "ipc", "path": "/proc/7/ns/ipc"}]}})",
                               "/b")
                        .value();
  EXPECT_TRUE(spec.shares_ipc);
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(Spec, SaysThatItIsNestedTooDeep) {
  const auto spec =
      parse_spec(R"({"x":)" + std::string(200, '[') + std::string(200, ']') + "}", "/b");
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().message().find("'/b/config.json' is nested too deep"), std::string::npos);
}

TEST(Spec, TakesNullForNothing) {
  const auto spec = parse_spec(R"({"root": {"path": "r"}, "hostname": null, "mounts": [
      {"destination": "/a", "options": null}], "process": {"args": null},
      "linux": {"sysctl": null, "namespaces": null}})",
                               "/b");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->mounts.size(), 1);
}

TEST(Spec, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "[]", "{}", R"({"root": 3})", R"({"root": {"path": "r"}, "mounts": [{}]})",
        R"({"root": {"path": "r"}, "annotations": []})"}) {
    const auto spec = parse_spec(text, "/bundle");
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code(), base::ErrorCode::kCorrupt) << text;
    EXPECT_NE(spec.error().message().find("'/bundle/config.json'"), std::string::npos);
  }
}

TEST(Spec, KnowsWhoKeepsItsNetwork) {
  const auto keeper = [](const std::string& path) {
    Spec spec;
    spec.network_namespace_path = path;
    return network_keeper(spec);
  };
  EXPECT_EQ(keeper("/proc/815/ns/net"), 815);
  for (const char* path : {"", "/run/netns/x", "/proc/self/ns/net", "/proc/8x/ns/net", "/ns/net"})
    EXPECT_EQ(keeper(path), 0) << path;
}

}  // namespace
}  // namespace reprise::oci
