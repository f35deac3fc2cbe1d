// SPDX-License-Identifier: Apache-2.0
#include "podman/config_command.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "podman/command_line.h"
#include "podman/container_info.h"

namespace reprise::podman {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kRecord = R"({
  "spec": {"process": {"terminal": true, "env": ["A=b c"], "cwd": "/srv",
      "capabilities": {"bounding": ["CAP_KILL"]},
      "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 2048, "soft": 1024}]},
    "root": {"readonly": true}, "hostname": "box",
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
      {"destination": "/data", "type": "bind", "source": "/host", "options": ["rbind", "ro"]}],
    "annotations": {"reprise.dev/on-stop": "checkpoint", "io.podman.annotations.autoremove": "TRUE"},
    "linux": {"namespaces": [{"type": "pid"}, {"type": "uts"}], "seccomp": {},
      "resources": {"memory": {"limit": 1048576}, "pids": {"limit": 77}}}},
  "id": "a1", "name": "web", "rootfsImageID": "f1", "rootfsImageName": "localhost/img:1",
  "userVolumes": ["/data"], "namedVolumes": [{"volumeName": "db", "dest": "/db"}],
  "newNetworks": {"net1": {"static_ips": ["10.9.8.7"]}}, "networkMode": "bridge",
  "newPortMappings": [{"host_ip": "::1", "container_port": 80, "host_port": 8080, "range": 2,
                       "protocol": "tcp"}],
  "command": ["sleep", "10"], "entrypoint": ["/bin/tini", "--"], "stopSignal": 2,
  "stopTimeout": 20, "runtime": "reprise", "labels": {"l": "m"},
  "healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30000000000}
})";

bool has(const Words& words, const std::string& option, const std::string& value) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == option && words[i + 1] == value) return true;
  return false;
}

TEST(CommandOfConfig, SaysHowTheContainerRuns) {
  const Words words = command_of_config(kRecord);
  ASSERT_FALSE(words.empty());
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"--runtime", "reprise"},
      {"--annotation", "reprise.dev/on-stop=checkpoint"},
      {"--label", "l=m"},
      {"--hostname", "box"},
      {"--stop-signal", "2"},
      {"--stop-timeout", "20"},
      {"--env", "A=b c"},
      {"--workdir", "/srv"},
      {"--entrypoint", R"(["/bin/tini","--"])"},
      {"--volume", "/host:/data:ro"},
      {"--volume", "db:/db"},
      {"--network", "net1:ip=10.9.8.7"},
      {"--publish", "[::1]:8080-8081:80-81/tcp"},
      {"--ipc", "host"},
      {"--memory", "1048576b"},
      {"--pids-limit", "77"},
      {"--ulimit", "nofile=1024:2048"},
      {"--cap-drop", "all"},
      {"--cap-add", "CAP_KILL"},
      {"--health-cmd", R"(["CMD-SHELL","true"])"},
      {"--health-interval", "30000000000ns"}};
  for (const auto& [option, value] : wanted) EXPECT_TRUE(has(words, option, value)) << option;
  for (const char* flag : {"--tty", "--rm", "--read-only"})
    EXPECT_NE(std::ranges::find(words, flag), words.end()) << flag;
  EXPECT_EQ(std::ranges::find(words, "--privileged"), words.end());
  EXPECT_EQ(Words(words.end() - 4, words.end()), (Words{"--", "f1", "sleep", "10"}));
}

TEST(CommandOfConfig, CanBeKeptAsIfSomebodyHadWrittenIt) {
  const auto info = parse_container_config(kRecord);
  ASSERT_TRUE(info) << info.error().message();
  const auto kept = kept_command(*info);
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(info->create_command.at(kept->image_index), "f1");
}

TEST(CommandOfConfig, MakesNothingOfOtherText) {
  for (const char* text : {"", "[]", "{}", "null", R"({"rootfsImageID":7})"})
    EXPECT_TRUE(command_of_config(text).empty()) << text;
  // Fields of other types are as good as absent.
  EXPECT_FALSE(command_of_config(R"({"rootfsImageID":"f","spec":[],"labels":1,"command":{},)"
                                 R"("newPortMappings":[1],"namedVolumes":{}})")
                   .empty());
}

}  // namespace
}  // namespace reprise::podman
