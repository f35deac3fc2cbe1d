// SPDX-License-Identifier: Apache-2.0
#include "container/oci_spec.h"

#include <gtest/gtest.h>

namespace reprise::container {
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

TEST(OciSpec, ReadsWhatPodmanWrites) {
  const OciSpec spec = parse_oci_spec(kConfig, "/bundle").value();
  EXPECT_EQ(spec.root_path, "/var/lib/containers/storage/overlay/5b06/merged");
  EXPECT_EQ(command_line(spec), std::string("python3\0-u\0/counter.py\0", 23));
  EXPECT_TRUE(spec.has_network_namespace);
  EXPECT_EQ(spec.network_namespace_path, "/run/netns/netns-6984");
  EXPECT_EQ(external_mounts(spec), (std::vector<std::string>{"/dev/shm", "/etc/hosts"}));
  EXPECT_EQ(shm_directory(spec), "/var/x/userdata/shm");
}

TEST(OciSpec, MakesARelativeRootAbsolute) {
  const OciSpec spec = parse_oci_spec(R"({"root": {"path": "rootfs"}})", "/bundle").value();
  EXPECT_EQ(spec.root_path, "/bundle/rootfs");
  EXPECT_FALSE(spec.has_network_namespace);
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(OciSpec, LeavesTheHostsSharedMemoryAlone) {
  const OciSpec spec = parse_oci_spec(R"({"root": {"path": "r"}, "mounts": [
        {"destination": "/dev/shm", "type": "bind", "source": "/dev/shm"}]})",
                                      "/b")
                           .value();
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(OciSpec, LeavesSharedMemoryOfOthersAlone) {
  const OciSpec spec = parse_oci_spec(R"({"root": {"path": "r"}, "mounts": [
        {"destination": "/dev/shm", "type": "bind", "source": "/var/infra/shm"}],
        "linux": {"namespaces": [{"type": "ipc", "path": "/proc/7/ns/ipc"}]}})",
                                      "/b")
                           .value();
  EXPECT_TRUE(spec.shares_ipc);
  EXPECT_EQ(shm_directory(spec), std::nullopt);
}

TEST(OciSpec, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "[]", "{}", R"({"root": 3})", R"({"root": {"path": "r"}, "mounts": [{}]})",
        R"({"root": {"path": "r"}, "annotations": []})"}) {
    const auto spec = parse_oci_spec(text, "/bundle");
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code(), base::ErrorCode::kCorrupt) << text;
    EXPECT_NE(spec.error().message().find("'/bundle/config.json'"), std::string::npos);
  }
}

TEST(Wishes, DefaultsToPlainStops) {
  const Wishes wishes = parse_wishes({}).value();
  EXPECT_FALSE(wishes.checkpoint_on_stop);
  EXPECT_EQ(wishes.on_restore_failure, OnRestoreFailure::kFail);
  EXPECT_EQ(wishes.io_uring, IoUring::kDeny);
  EXPECT_EQ(wishes.stop_signal, 15);
  EXPECT_EQ(wishes.freeze_limit, std::chrono::seconds(300));
}

TEST(Wishes, ReadsAnnotations) {
  const Wishes wishes = parse_wishes({{"reprise.dev/on-stop", "checkpoint"},
                                      {"reprise.dev/on-restore-failure", "cold"},
                                      {"reprise.dev/io-uring", "allow"},
                                      {"reprise.dev/volumes", "include"},
                                      {"reprise.dev/fill-volumes", "3f2a"},
                                      {"reprise.dev/freeze-limit", "20"},
                                      {"org.opencontainers.image.stopSignal", "SIGINT"}})
                            .value();
  EXPECT_TRUE(wishes.checkpoint_on_stop);
  EXPECT_EQ(wishes.on_restore_failure, OnRestoreFailure::kStartCold);
  EXPECT_EQ(wishes.io_uring, IoUring::kAllow);
  EXPECT_EQ(wishes.stop_signal, 2);
  EXPECT_TRUE(wishes.include_volumes);
  EXPECT_EQ(wishes.fill_volumes_from, "3f2a");
  EXPECT_FALSE(parse_wishes({}).value().include_volumes);
  EXPECT_FALSE(parse_wishes({{"reprise.dev/volumes", "yes"}}));
  EXPECT_EQ(wishes.freeze_limit, std::chrono::seconds(20));
}

TEST(Wishes, RefusesAFreezeLimitThatIsNone) {
  for (const char* text : {"", "0", "-1", "1.5", "20s", "86401", "99999999999"}) {
    const auto wishes = parse_wishes({{"reprise.dev/freeze-limit", text}});
    ASSERT_FALSE(wishes) << text;
    EXPECT_EQ(wishes.error().code(), base::ErrorCode::kInvalidInput);
    EXPECT_EQ(wishes.error().hint(), "use one of: whole seconds from 1 to 86400");
  }
}

TEST(Wishes, NamesTheAnnotationAndWhatItCanBe) {
  const auto wishes = parse_wishes({{"reprise.dev/on-stop", "checkpiont"}});
  ASSERT_FALSE(wishes);
  EXPECT_EQ(wishes.error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_EQ(wishes.error().message(),
            "annotation 'reprise.dev/on-stop' has the unknown value 'checkpiont'");
  EXPECT_EQ(wishes.error().hint(), "use one of: checkpoint, signal");
  EXPECT_FALSE(parse_wishes({{"reprise.dev/io-uring", "yes"}}));
  EXPECT_FALSE(parse_wishes({{"reprise.dev/mptcp", "yes"}}));
}

TEST(Annotations, ThoseThatAreNoneOfOursAreRefused) {
  const auto mistyped = check_annotations({{"reprise.dev/on_stop", "checkpoint"}});
  ASSERT_FALSE(mistyped);
  EXPECT_EQ(mistyped.error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_EQ(mistyped.error().message(), "there is no annotation 'reprise.dev/on_stop'");
  EXPECT_TRUE(mistyped.error().hint().contains("'reprise.dev/on-stop' (checkpoint, signal)"));
  EXPECT_FALSE(check_annotations({{"reprise.dev/volumes", "yes"}}));
  // Nothing of others is ours to judge.
  EXPECT_TRUE(check_annotations({{"reprise.dev/on-stop", "checkpoint"},
                                 {"org.opencontainers.image.stopSignal", "no signal"},
                                 {"example.org/on_stop", "x"}}));
}

TEST(OciSpec, KnowsWhoKeepsItsNetwork) {
  const auto keeper = [](const std::string& path) {
    OciSpec spec;
    spec.network_namespace_path = path;
    return network_keeper(spec);
  };
  EXPECT_EQ(keeper("/proc/815/ns/net"), 815);
  for (const char* path : {"", "/run/netns/x", "/proc/self/ns/net", "/proc/8x/ns/net", "/ns/net"})
    EXPECT_EQ(keeper(path), 0) << path;
}

}  // namespace
}  // namespace reprise::container
