// SPDX-License-Identifier: Apache-2.0
#include "archive/container_dump.h"

#include <nlohmann/json.hpp>

#include "archive/internal/test_archive.h"

namespace reprise::archive {
namespace {

using nlohmann::json;

const std::string kId(64, 'a');

json config() {
  return {{"id", kId},
          {"name", "counter"},
          {"rootfsImageName", "localhost/base:1"},
          {"rootfsImageID", std::string(64, 'b')},
          {"runtime", "runc"},
          {"command", {"sh", "-c", "x"}},
          {"networkMode", "bridge"}};
}
json spec() {
  return {{"process", {{"args", {"sh", "-c", "x"}}, {"terminal", true}}},
          {"mounts",
           {{{"destination", "/w"}, {"type", "bind"}, {"source", "/etc"}},
            {{"destination", "/proc"}, {"type", "proc"}},
            {{"destination", "/etc/hosts"}, {"type", "bind"}}}}};
}

TEST(ContainerDumpTest, PodmansIsRead) {
  const auto wishes = parse_container_dump(config().dump(), spec().dump());
  ASSERT_TRUE(wishes) << wishes.error().message();
  EXPECT_EQ(wishes->id, kId);
  EXPECT_EQ(wishes->name, "counter");
  EXPECT_EQ(wishes->image_name, "localhost/base:1");
  EXPECT_EQ(wishes->image_id, std::string(64, 'b'));
  EXPECT_EQ(wishes->command, (std::vector<std::string>{"sh", "-c", "x"}));
  EXPECT_FALSE(wishes->own_entrypoint);
  EXPECT_TRUE(wishes->terminal);
  EXPECT_EQ(wishes->bind_mounts, (std::vector<std::string>{"/etc/hosts", "/w"}));
}

TEST(ContainerDumpTest, TheKubeletsRuntimesTellLess) {
  const auto wishes = parse_container_dump(
      json{{"id", "0f"}, {"rootfsImageRef", "registry/x@sha256:00"}, {"name", "../x"}}.dump(),
      spec().dump());
  ASSERT_TRUE(wishes) << wishes.error().message();
  EXPECT_EQ(wishes->image_name, "registry/x@sha256:00");
  EXPECT_TRUE(wishes->own_entrypoint);
  EXPECT_EQ(wishes->name, "") << "a name that is none is not used";
}

struct Refusal {
  json config;
  json spec;
  std::string why;
};
json with(json object, const std::string& pointer, json value) {
  object[json::json_pointer(pointer)] = std::move(value);
  return object;
}

TEST(ContainerDumpTest, OthersAreRefusedByField) {
  const json mounts = json::array({{{"destination", "/../../etc"}, {"type", "bind"}}});
  for (const Refusal& refusal : std::vector<Refusal>{
           {"text", spec(), "'config.dump' is not a JSON object"},
           {json::array(), spec(), "'config.dump' is not a JSON object"},
           {config(), json::array(), "'spec.dump' is not a JSON object"},
           {with(config(), "/id", 7), spec(), "'id' is not a text"},
           {with(config(), "/rootfsImageName", json()), spec(), "names no image"},
           {with(config(), "/rootfsImageName", "--privileged"), spec(), "'--privileged'"},
           {with(config(), "/rootfsImageName", "a b"), spec(), "'a b' cannot be the name"},
           {with(config(), "/rootfsImageName", "x\n"), spec(), "'x\\x0a' cannot be the name"},
           {with(config(), "/command", "sh"), spec(), "'command' is not a list"},
           {config(), json::object(), "no usable command"},
           {config(), with(spec(), "/process", 1), "'process' is not an object"},
           {config(), with(spec(), "/process/args", {1}), "'args' is not a list of texts"},
           {config(), with(spec(), "/process/args", {std::string("a\0b", 3)}), "no argument"},
           {config(), with(spec(), "/process/terminal", "yes"), "'terminal' is not true or false"},
           {config(), with(spec(), "/mounts", mounts), "'/../../etc' is no place of a mount"},
           {config(), with(spec(), "/mounts", {1}), "'type' is not in an object"}})
    expect_refused(parse_container_dump(refusal.config.dump(), refusal.spec.dump()), refusal.why);
  expect_refused(parse_container_dump(config().dump() + "x", spec().dump()), "'config.dump'");
  expect_refused(parse_container_dump(config().dump(), "{\"a\":\"\xff\"}"), "'spec.dump'");
}

TEST(ContainerDumpTest, AddressesAreAddresses) {
  const std::string status =
      R"({"podman":{"interfaces":{"eth0":{"subnets":[{"ipnet":"IP","gateway":"10.88.0.1"}]}}}})";
  const auto parse = [&](const std::string& ip) {
    std::string text = status;
    return parse_network_status(text.replace(text.find("IP"), 2, ip));
  };
  EXPECT_EQ(parse("10.88.0.5/16").value(), std::vector<std::string>{"10.88.0.5/16"});
  EXPECT_EQ(parse("fd00::5/64").value(), std::vector<std::string>{"fd00::5/64"});
  EXPECT_TRUE(parse_network_status("null").value().empty());
  for (const char* wrong :
       {"", "10.88.0.5", "10.88.0.5/33", "10.88.0.5/16 dev lo", "-x/16", "/16", "10.88.0.5/"})
    expect_refused(parse(wrong), "cannot be an address");
  expect_refused(parse_network_status("[]"), "'network.status'");
}

TEST(ContainerDumpTest, DeletedFilesAreAListOfNames) {
  EXPECT_EQ(parse_deleted_files(R"(["/a","/b"])").value(), (std::vector<std::string>{"/a", "/b"}));
  for (const char* wrong : {"", "{}", "[1]", "[\"/a\""})
    expect_refused(parse_deleted_files(wrong), "'deleted.files'");
}

TEST(PodmanDumpTest, TheRecordOfAnotherContainerBecomesThatOfThisOne) {
  const std::string other(64, 'c');
  json record = config();
  record["id"] = other;
  record["name"] = "reprise-export-x";
  record["ShmDir"] = "/storage/" + other + "/userdata/shm";
  record["newNetworks"] = {{"podman", {{"interface_name", "eth7"}}}};
  record["runtime"] = "/usr/libexec/reprise-runtime";
  record["namedVolumes"] = json::array({{{"volumeName", "data"}, {"dest", "/d"}}});
  const auto dump = make_podman_dump(record.dump(),
                                     {.id = kId, .name = "counter", .addresses = {"10.88.0.5/16"}});
  ASSERT_TRUE(dump) << dump.error().message();
  const json made = json::parse(dump->config);
  EXPECT_EQ(made["id"], kId);
  EXPECT_EQ(made["name"], "counter");
  EXPECT_EQ(made["runtime"], "runc");
  EXPECT_EQ(made["ShmDir"], "/storage/" + kId + "/userdata/shm");
  EXPECT_EQ(dump->named_volumes, std::vector<std::string>{"data"});
  EXPECT_EQ(parse_network_status(dump->network).value(), std::vector<std::string>{"10.88.0.5/16"});
  EXPECT_TRUE(json::parse(dump->network)["podman"]["interfaces"].contains("eth7"));
}

TEST(PodmanDumpTest, AMemberOfAPodCannotBeTold) {
  const auto dump = make_podman_dump(with(config(), "/pod", kId).dump(), {.id = kId});
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code(), base::ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace reprise::archive
