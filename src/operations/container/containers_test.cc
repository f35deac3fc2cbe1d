// SPDX-License-Identifier: Apache-2.0
#include "operations/container/containers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::operations {
namespace {

using nlohmann::json;

TEST(KeyOf, IsTheIdUnlessTheContainerHasANameThatOutlivesIt) {
  podman::ContainerInfo info{.id = "f1", .name = "systemd-web"};
  EXPECT_EQ(key_of(info).str(), "f1");
  info.labels["PODMAN_SYSTEMD_UNIT"] = "web.service";
  EXPECT_EQ(key_of(info).str(), "@unit:web.service:systemd-web");
  info.annotations["reprise.dev/key"] = "web";
  EXPECT_EQ(key_of(info).str(), "@web");
  info.annotations["reprise.dev/key"] = "";
  EXPECT_EQ(key_of(info).str(), "f1");
}

TEST(ShortId, KeepsNamesThatPeopleChose) {
  EXPECT_EQ(short_id("0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(short_id("default/a-long-name"), "default/a-long-name");
}

TEST(ContainerRow, KeepsTheCommandThatMadeIt) {
  podman::ContainerInfo info{.id = "a1", .name = "web"};
  info.create_command = {"podman", "run", "-d", "img:1", "sh", "-c", "echo 'a b'"};
  info.command = {"sh", "-c", "echo 'a b'"};
  info.image_name = "localhost/img:1";
  const auto row = container_row(info);
  ASSERT_TRUE(row) << row.error().message();
  EXPECT_EQ(row->key.str(), "a1");
  EXPECT_EQ(row->image, "img:1");
  EXPECT_EQ(row->command_image_index, 3);
  EXPECT_EQ(json::parse(row->create_command).get<std::vector<std::string>>(), info.create_command);
}

}  // namespace
}  // namespace reprise::operations
